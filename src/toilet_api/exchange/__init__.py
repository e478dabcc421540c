"""Moving data in and out: bulk upload of ledgers (台账导入)."""
