"""`python -m export.web`: a static page that runs the exported student in a browser.

The page speaks the runtime's protocol: its texts, limits, grammars and tool schema are written
into `protocol.json` from the runtime's own code, and its JavaScript follows `runtime/loop.py`
line by line (tests/export/test_web_protocol.py compares the two).
"""
