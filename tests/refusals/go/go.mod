module tidegate/refusals

go 1.23
