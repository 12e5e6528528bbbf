"""What carries deliveries to their recipients. Which there are, and what becomes of them, is stored by `jobs`."""
