package simulator

import "strings"

// unaccented are the letters that names are written with in Europe, as they are without their accents.
var unaccented = strings.NewReplacer(
	"À", "A", "Á", "A", "Â", "A", "Ã", "A", "Ä", "A", "Å", "A", "Ā", "A", "Ă", "A", "Ą", "A", "Æ", "AE",
	"Ç", "C", "Ć", "C", "Ĉ", "C", "Ċ", "C", "Č", "C", "Ð", "D", "Ď", "D", "Đ", "D",
	"È", "E", "É", "E", "Ê", "E", "Ë", "E", "Ē", "E", "Ĕ", "E", "Ė", "E", "Ę", "E", "Ě", "E",
	"Ĝ", "G", "Ğ", "G", "Ġ", "G", "Ģ", "G", "Ĥ", "H", "Ħ", "H",
	"Ì", "I", "Í", "I", "Î", "I", "Ï", "I", "Ĩ", "I", "Ī", "I", "Į", "I", "İ", "I", "Ĵ", "J", "Ķ", "K",
	"Ĺ", "L", "Ļ", "L", "Ľ", "L", "Ł", "L", "Ñ", "N", "Ń", "N", "Ņ", "N", "Ň", "N",
	"Ò", "O", "Ó", "O", "Ô", "O", "Õ", "O", "Ö", "O", "Ø", "O", "Ō", "O", "Ő", "O", "Œ", "OE",
	"Ŕ", "R", "Ř", "R", "Ś", "S", "Ŝ", "S", "Ş", "S", "Š", "S", "Ș", "S", "ß", "SS", "ẞ", "SS",
	"Ţ", "T", "Ť", "T", "Ț", "T", "Þ", "TH",
	"Ù", "U", "Ú", "U", "Û", "U", "Ü", "U", "Ũ", "U", "Ū", "U", "Ů", "U", "Ű", "U", "Ų", "U",
	"Ŵ", "W", "Ý", "Y", "Ŷ", "Y", "Ÿ", "Y", "Ź", "Z", "Ż", "Z", "Ž", "Z",
)

// soundex is the American Soundex of a name, which names that sound the same share: Smith and Smythe, S530. Accents,
// case and what is not a letter do not matter; a name without letters has none.
func soundex(name string) string {
	// The code of each letter from A to Z. 0 is a vowel: it has no code and keeps equal ones apart, which H and W do not.
	const codes = "01230120022455012623010202"
	const silent = "HW"
	code := make([]byte, 0, 4)
	var last byte
	for _, r := range unaccented.Replace(strings.ToUpper(name)) {
		if r < 'A' || r > 'Z' {
			continue
		}
		switch c := codes[r-'A']; {
		case len(code) == 0:
			code, last = append(code, byte(r)), c
		case strings.ContainsRune(silent, r):
		case c == '0':
			last = c
		case c != last:
			code, last = append(code, c), c
		}
		if len(code) == 4 {
			break
		}
	}
	if len(code) == 0 {
		return ""
	}
	return (string(code) + "000")[:4]
}
