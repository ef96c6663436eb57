"""Words that every module shares: money, time, ids, problems, states, transactions. No business."""
