// The linter, pinned by version and hash, apart from the generators because the two disagree about shared dependencies.
module github.com/spinegate/spinegate/tools/lint

go 1.26.0
