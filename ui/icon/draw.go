//go:build ignore

// draw writes the icon files: a speech bubble with three bars, as a level meter shows a voice.
package main

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"log"
	"math"
	"os"
	"strings"
)

// The drawing lives in a square of 1 by 1, y down.
type rect struct{ x0, y0, x1, y1, r float64 }

var (
	tile   = rect{0.02, 0.02, 0.98, 0.98, 0.22}
	bubble = rect{0.05, 0.08, 0.95, 0.77, 0.19}
	tail   = [3][2]float64{{0.20, 0.66}, {0.20, 0.96}, {0.52, 0.74}}
	bars   = []rect{
		{0.245, 0.345, 0.345, 0.505, 0.05},
		{0.45, 0.215, 0.55, 0.635, 0.05},
		{0.655, 0.29, 0.755, 0.56, 0.05},
	}
	dot = [3]float64{0.79, 0.79, 0.19}

	top, bottom = color.NRGBA{0x8b, 0x5c, 0xf6, 0xff}, color.NRGBA{0x3b, 0x6f, 0xf5, 0xff}
	busy        = color.NRGBA{0xf5, 0x9e, 0x0b, 0xff}
)

func (b rect) has(x, y float64) bool {
	dx := math.Max(math.Max(b.x0+b.r-x, x-(b.x1-b.r)), 0)
	dy := math.Max(math.Max(b.y0+b.r-y, y-(b.y1-b.r)), 0)
	return dx*dx+dy*dy <= b.r*b.r
}

func inTail(x, y float64) bool {
	side := func(a, b [2]float64) float64 { return (b[0]-a[0])*(y-a[1]) - (b[1]-a[1])*(x-a[0]) }
	s, t, u := side(tail[0], tail[1]), side(tail[1], tail[2]), side(tail[2], tail[0])
	return s >= 0 && t >= 0 && u >= 0 || s <= 0 && t <= 0 && u <= 0
}

func inBubble(x, y float64) bool {
	for _, b := range bars {
		if b.has(x, y) {
			return false
		}
	}
	return bubble.has(x, y) || inTail(x, y)
}

func blend(y float64) color.NRGBA {
	mix := func(a, b uint8) uint8 { return uint8(float64(a) + (float64(b)-float64(a))*y) }
	return color.NRGBA{mix(top.R, bottom.R), mix(top.G, bottom.G), mix(top.B, bottom.B), 0xff}
}

// app is the bubble in white on a tile.
func app(x, y float64) color.NRGBA {
	if !tile.has(x, y) {
		return color.NRGBA{}
	}
	if inBubble((x-0.5)/0.68+0.5, (y-0.5)/0.68+0.49) {
		return color.NRGBA{0xff, 0xff, 0xff, 0xff}
	}
	return blend(y)
}

func tray(x, y float64) color.NRGBA {
	if inBubble(x, y) {
		return blend(y)
	}
	return color.NRGBA{}
}

func trayBusy(x, y float64) color.NRGBA {
	switch d := math.Hypot(x-dot[0], y-dot[1]); {
	case d <= dot[2]:
		return busy
	case d <= dot[2]+0.06:
		return color.NRGBA{}
	}
	return tray(x, y)
}

func trayTemplate(x, y float64) color.NRGBA {
	if inBubble(x, y) {
		return color.NRGBA{A: 0xff}
	}
	return color.NRGBA{}
}

func write(name string, size int, at func(x, y float64) color.NRGBA) {
	const fine = 8
	img := image.NewNRGBA(image.Rect(0, 0, size, size))
	for py := range size {
		for px := range size {
			var r, g, b, a float64
			for i := range fine * fine {
				c := at((float64(px)+(float64(i%fine)+0.5)/fine)/float64(size),
					(float64(py)+(float64(i/fine)+0.5)/fine)/float64(size))
				if c.A > 0 {
					r, g, b, a = r+float64(c.R), g+float64(c.G), b+float64(c.B), a+1
				}
			}
			if a > 0 {
				img.SetNRGBA(px, py, color.NRGBA{uint8(r / a), uint8(g / a), uint8(b / a), uint8(a * 255 / (fine * fine))})
			}
		}
	}
	f, err := os.Create(name)
	if err != nil {
		log.Fatal(err)
	}
	if err := png.Encode(f, img); err != nil {
		log.Fatal(err)
	}
	if err := f.Close(); err != nil {
		log.Fatal(err)
	}
}

func svg() string {
	var s strings.Builder
	box := func(b rect, fill string) {
		fmt.Fprintf(&s, `<rect x="%.3g" y="%.3g" width="%.3g" height="%.3g" rx="%.3g" fill="%s"/>`+"\n",
			b.x0, b.y0, b.x1-b.x0, b.y1-b.y0, b.r, fill)
	}
	hex := func(c color.NRGBA) string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }
	s.WriteString(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1">` + "\n")
	fmt.Fprintf(&s, `<linearGradient id="g" x2="0" y2="1"><stop stop-color="%s"/><stop offset="1" stop-color="%s"/></linearGradient>`+"\n", hex(top), hex(bottom))
	box(tile, "url(#g)")
	s.WriteString(`<mask id="m">` + "\n")
	box(bubble, "#fff")
	fmt.Fprintf(&s, `<path d="M%g %gL%g %gL%g %gZ" fill="#fff"/>`+"\n", tail[0][0], tail[0][1], tail[1][0], tail[1][1], tail[2][0], tail[2][1])
	for _, b := range bars {
		box(b, "#000")
	}
	s.WriteString("</mask>\n")
	s.WriteString(`<g transform="translate(.5 .5) scale(.68) translate(-.5 -.49)"><rect width="1" height="1" fill="#fff" mask="url(#m)"/></g>` + "\n</svg>\n")
	return s.String()
}

func main() {
	write("app.png", 256, app)
	write("tray.png", 64, tray)
	write("tray-busy.png", 64, trayBusy)
	write("tray-template.png", 64, trayTemplate)
	if err := os.WriteFile("app.svg", []byte(svg()), 0o644); err != nil {
		log.Fatal(err)
	}
}
