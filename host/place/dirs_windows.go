package place

// checkOwn has nothing to do: see CheckPrivate.
func checkOwn(string) error { return nil }

// CheckPrivate has nothing to do: the directory lies in the person's profile, which others cannot enter.
func CheckPrivate(string) error { return nil }
