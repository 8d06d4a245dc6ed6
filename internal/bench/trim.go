package main

import "context"

func trimCost(ctx context.Context, l *lab) error { return nil }
