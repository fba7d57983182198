"""The operator as a process: pages, signals, command line, and what a restart costs."""
