module github.com/spinegate/spinegate/gen/go

go 1.26.0
