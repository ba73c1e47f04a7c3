package keys

import (
	"testing"
	"time"
)

func TestHeldKeys(t *testing.T) {
	h := newHeld(time.Hour)
	_, drops := h.get("p1 https://a")
	h.put("p1 https://a", "k1", drops)
	h.put("p2 https://a", "k2", drops)
	if k, _ := h.get("p1 https://a"); k != "k1" {
		t.Errorf("got %q", k)
	}
	if k, _ := h.get("p1 https://b"); k != "" {
		t.Errorf("another origin gave %q", k)
	}
	bytes := h.keys["p1 https://a"].key
	_, before := h.get("p3 https://a")
	h.drop("p1")
	if k, _ := h.get("p1 https://a"); k != "" || string(bytes) != "\x00\x00" {
		t.Errorf("after the drop: %q, %q", k, bytes)
	}
	if k, _ := h.get("p2 https://a"); k != "k2" {
		t.Errorf("the other provider's key: %q", k)
	}
	h.put("p3 https://a", "read before the drop", before)
	if k, _ := h.get("p3 https://a"); k != "" {
		t.Error("a key that was read before a drop is held after it")
	}
	h.drop("")
	h.keep = time.Millisecond
	_, drops = h.get("p1 https://a")
	h.put("p1 https://a", "k1", drops)
	eventually(t, "end of its time", func() bool { k, _ := h.get("p1 https://a"); return k == "" })
}
