"""``python -m carti_lake`` is ``carti-lake``."""

from carti_lake.cli import main

main()
