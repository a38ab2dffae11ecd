"""Reports: the annual work report, visits from access logs, the evidence of an assessment."""
