"""The official documents: bulletin, notification, final report, as XLSX, DOCX and HTML."""
