package demo

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/clientele/clientele/internal/creditcode"
)

// Parts of names. The places do not exist; a name is put together by chance and belongs to nobody.
func surnames() []string {
	return strings.Fields("王 李 张 刘 陈 杨 赵 黄 周 吴 徐 孙 胡 朱 高 林 何 郭 马 罗 梁 宋 郑 谢 韩 唐 冯 于 董 萧 程 曹 袁 邓 许 傅 沈 曾 彭 吕 苏 卢 蒋 蔡 贾 丁 魏 薛 叶 阎 余 潘 杜 戴 夏 钟 汪 田 任 姜 范 方 石 姚 谭 廖 邹 熊 金 陆 郝 孔 白 崔 康 毛 邱 秦 江 史 顾 侯 邵 孟 龙 万 段 单 欧阳 上官")
}

func givenNames() []string {
	return strings.Fields("伟 芳 娜 敏 静 强 磊 军 洋 勇 艳 杰 涛 明 超 霞 平 刚 建国 志强 晓明 海燕 丽华 文博 子涵 雨桐 思远 佳宁 浩然 欣怡 梓轩 婉清 德胜 春生 秋月 国栋 天佑 若曦 俊峰 立群 慧敏 永康 嘉诚 清源 雪梅 宏达 书瑶 一鸣 启航 安琪")
}

func places() []string {
	return strings.Fields("云川 临溪 东澜 北岭 望川 青屿 安澜 石桥 松原港 南浦岛 金岭口 白沙湾 长汀口 凤鸣岗 双溪口 碧湖 观澜岭 丰泽湾 永宁港 和丰")
}

func brands() []string {
	return strings.Fields("恒瑞 启明 鑫源 华诚 广达 博远 众联 中润 宏图 金桥 天工 德信 永昌 新锐 万通 智联 海纳 百川 同舟 盛世 瑞丰 远航 立德 卓越 创辉 嘉禾 亿安 汇通 顺达 凯旋 晨星 九鼎 方圆 泰和 润泽 鼎盛 星河 北斗 长风 锦程")
}

func trades() []string {
	return strings.Fields("汽车销售 汽车租赁 物流运输 客运 出租汽车 建筑工程 装备制造 电子科技 食品 医药 能源 环保科技 商贸 供应链管理 精密机械 新材料 信息技术 旅游 农业发展 包装印刷")
}

// namer makes names that do not repeat within a tenant.
type namer struct {
	r    *rand.Rand
	used map[string]bool
	code int
	tel  int
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// company is a name such as 望川恒瑞物流运输有限公司.
func (n *namer) company() string {
	kinds := []string{"有限公司", "有限公司", "有限公司", "股份有限公司", "集团有限公司", "有限责任公司"}
	for i := 0; ; i++ {
		name := pick(n.r, places()) + pick(n.r, brands())
		if i > 3 {
			name += pick(n.r, brands())
		}
		name += pick(n.r, trades()) + pick(n.r, kinds)
		if !n.used[name] {
			n.used[name] = true
			return name
		}
	}
}

func (n *namer) person() string { return pick(n.r, surnames()) + pick(n.r, givenNames()) }

// mobile counts up through 1990000xxxx and, when that is used up, on through 1990001xxxx and so forth.
func (n *namer) mobile() string {
	n.tel++
	return fmt.Sprintf("199%08d", n.tel)
}

// creditCode is well formed by GB 32100, in the administrative division 990000, which does not exist.
func (n *namer) creditCode() string {
	n.code++
	first := fmt.Sprintf("91990000MA%07d", n.code)
	digit, ok := creditcode.CheckDigit(first)
	if !ok {
		panic("demo: a credit code is malformed: " + first) // the form is a constant
	}
	return first + string(digit)
}

func (n *namer) address() string {
	roads := strings.Fields("滨江路 建设路 人民路 工业大道 科技二路 创新街 湖滨路 迎宾大道 港口路 学府路")
	return fmt.Sprintf("%s市%s%d号（虚构）", pick(n.r, places()), pick(n.r, roads), 1+n.r.IntN(998))
}
