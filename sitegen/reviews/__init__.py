"""三审 (第十九条(三)): verdicts that prove who gave them, in what order, and that none is missing."""
