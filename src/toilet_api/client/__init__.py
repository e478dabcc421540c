"""A small typed client of the interface, on httpx: nothing of the server is loaded.

from toilet_api.client import Client

with Client("http://127.0.0.1:8000", username="township_manager", password=password) as client:
    report = client.upload("台账.xlsx", dry_run=True)
    print(report.counts["created"], "户新增，", report.counts["rejected"], "行有误")
    client.download("households", "csv", "户厕.csv", division="360423208")
"""

from toilet_api.client.answers import Counts, ExportJob, ImportJob, ImportReport, ImportRow, RowFault, Upload
from toilet_api.client.client import Client
from toilet_api.client.errors import (
    ApiError,
    ClientError,
    DamagedError,
    FileChangedError,
    JobFailedError,
    SignInError,
    UnreachableError,
)
from toilet_api.client.progress import Progress

__all__ = [
    "ApiError",
    "Client",
    "ClientError",
    "Counts",
    "DamagedError",
    "ExportJob",
    "FileChangedError",
    "ImportJob",
    "ImportReport",
    "ImportRow",
    "JobFailedError",
    "Progress",
    "RowFault",
    "SignInError",
    "UnreachableError",
    "Upload",
]
