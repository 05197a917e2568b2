"""The dashboard in a browser: `--serve` starts a web server, and a process of the dashboard for each tab."""
