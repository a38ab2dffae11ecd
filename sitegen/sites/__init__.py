"""The life of a site under the law: opening, changes, suspensions, and the notices that each of them asks for."""
