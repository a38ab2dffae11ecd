"""What is worth keeping: articles recognised on old pages, as Markdown, related to present ones."""
