// Package apiv1 is what window, tray and command line may say to the host, generated from api.proto.
package apiv1
