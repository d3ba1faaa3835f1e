module github.com/spinegate/spinegate/tools/plugins

go 1.26.0
