"""DICOM tags as a source: the body part, prepared features, what is missing, and one vector an instance."""
