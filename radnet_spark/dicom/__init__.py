"""From DICOM files to headers in a table and 8-bit images."""
