"""Letters from citizens: the service that takes them from the static pages' form, and tells how far one has come."""
