module github.com/openvibez/openvibez/sdk

go 1.26.0
