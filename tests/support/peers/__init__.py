"""What maps are compared with: models of torchvision, and programs that torch exported."""
