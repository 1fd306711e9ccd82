"""The way of the data: pure functions of LazyFrames. Nothing here reads, writes, knows the time or draws a number."""
