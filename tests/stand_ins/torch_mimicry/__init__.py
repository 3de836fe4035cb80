raise ImportError("No module named 'tensorflow'")
