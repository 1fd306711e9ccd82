"""What people open: charts and the workbook, made from the frames of one release."""
