"""Where runs come from. Every source lists its runs cheaply and fetches one with its complete history."""
