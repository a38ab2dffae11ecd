"""The regulation as data (`yongzhou.yml`) and as small pure rules over recorded facts (`duties`)."""
