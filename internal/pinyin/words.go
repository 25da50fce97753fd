package pinyin

// word finds a word at the beginning whose characters are not read by their commonest reading.
func word(runes []rune) (n int, reading string) {
	if len(runes) < 2 {
		return 0, ""
	}
	switch string(runes[:2]) {
	case "重庆":
		return 2, "chong qing"
	case "长沙":
		return 2, "chang sha"
	case "长春":
		return 2, "chang chun"
	case "长江":
		return 2, "chang jiang"
	case "长安":
		return 2, "chang an"
	case "长城":
		return 2, "chang cheng"
	case "长虹":
		return 2, "chang hong"
	case "厦门":
		return 2, "xia men"
	case "六安":
		return 2, "lu an"
	case "六合":
		return 2, "lu he"
	case "蚌埠":
		return 2, "beng bu"
	case "台州":
		return 2, "tai zhou"
	case "丽水":
		return 2, "li shui"
	case "番禺":
		return 2, "pan yu"
	case "大厦":
		return 2, "da sha"
	case "银行":
		return 2, "yin hang"
	case "商行":
		return 2, "shang hang"
	case "行业":
		return 2, "hang ye"
	case "重工":
		return 2, "zhong gong"
	case "音乐":
		return 2, "yin yue"
	case "会计":
		return 2, "kuai ji"
	case "乐器":
		return 2, "yue qi"
	case "成都":
		return 2, "cheng du"
	}
	return 0, ""
}

// surname gives the reading of a surname that is read unlike its commonest reading.
func surname(s string) (reading string, ok bool) {
	switch s {
	case "单":
		return "shan", true
	case "曾":
		return "zeng", true
	case "仇":
		return "qiu", true
	case "解":
		return "xie", true
	case "区":
		return "ou", true
	case "查":
		return "zha", true
	case "朴":
		return "piao", true
	case "盖":
		return "ge", true
	case "乐":
		return "yue", true
	case "任":
		return "ren", true
	case "翟":
		return "zhai", true
	case "覃":
		return "qin", true
	case "缪":
		return "miao", true
	case "秘":
		return "bi", true
	case "种":
		return "chong", true
	case "繁":
		return "po", true
	case "尉迟":
		return "yu chi", true
	case "万俟":
		return "mo qi", true
	case "长孙":
		return "zhang sun", true
	case "澹台":
		return "tan tai", true
	case "单于":
		return "chan yu", true
	}
	return "", false
}
