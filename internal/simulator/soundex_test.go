package simulator

import "testing"

func TestSoundex(t *testing.T) {
	for name, want := range map[string]string{
		"Robert": "R163", "Rupert": "R163", "Rubin": "R150", "Ashcraft": "A261", "Ashcroft": "A261", "Tymczak": "T522",
		"Pfister": "P236", "Honeyman": "H555", "Smith": "S530", "SMYTHE": "S530", "Lee": "L000", "Jackson": "J250",
		"O'Hara": "O600", "ohara": "O600", "ATTSÖN": "A325", "attisón": "A325", "Łęcki": "L200", "straße": "S362",
		"": "", "-": "", "王": "",
	} {
		if got := soundex(name); got != want {
			t.Errorf("soundex(%q) = %q, want %q", name, got, want)
		}
	}
}
