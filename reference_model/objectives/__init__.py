"""What is minimised: functions of tensors, each checked against an independent oracle."""
