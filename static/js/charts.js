/* Draws the charts that the server describes (campaigns/console/charts.py). Without this file each chart's table, and
   where there is one the drawing made by the server, says the same. Colours come from tokens.css. */
"use strict";
(() => {
    const root = document.documentElement;
    const language = root.lang || "en";
    const isRtl = root.dir === "rtl";
    const [START, END] = isRtl ? ["right", "left"] : ["left", "right"];
    const NARROW = 400;
    const ROW = 92;
    /* Each variant has its own shape, as everywhere. */
    const MARKS = { a: "circle", b: "rect", c: "diamond", d: "triangle" };
    const isCalm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    const plain = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
    const signed = new Intl.NumberFormat(language, { maximumFractionDigits: 1, signDisplay: "exceptZero" });

    /* The drawing itself runs from left to right: words of the page's direction and numbers within them are isolated. */
    const words = (text) => (isRtl ? `\u2067${text}\u2069` : text);
    const figure = (value, format = plain) => {
        const text = format.format(value).replace(/[\u200e\u200f]/g, "").replace("-", "\u2212");
        return isRtl ? `\u2066${text}\u2069` : text;
    };

    const readTokens = () => {
        const style = window.getComputedStyle(root);
        const token = (name) => style.getPropertyValue(`--cr-${name}`).trim();
        return {
            viz: (tone) => token(`viz-${tone}`),
            grid: token("viz-grid"), zero: token("viz-zero"), ink: token("ink"), quiet: token("ink-3"),
            surface: token("surface"), edge: token("line-control"),
            font: window.getComputedStyle(document.body).fontFamily,
        };
    };

    /* The first, the last and evenly between; fewer on a phone. */
    const tickPlaces = (count, isNarrow) => {
        const most = isNarrow ? 3 : 5;
        const steps = Math.min(most, count) - 1;
        return new Set(steps < 1 ? [0] : [...Array(steps + 1).keys()].map((step) => Math.round(step / steps * (count - 1))));
    };

    const dayAxis = (chart, look, { isNarrow, hasGap, isLast = true, gridIndex = 0 }) => {
        const places = tickPlaces(chart.days.length, isNarrow);
        return {
            type: "category", gridIndex, data: chart.days.map(words), inverse: isRtl, boundaryGap: hasGap,
            axisLine: { show: false }, axisTick: { show: false },
            axisLabel: {
                show: isLast, color: look.quiet, fontSize: 12, fontFamily: look.font, margin: 10, hideOverlap: true,
                interval: (place) => places.has(place), alignMinLabel: START, alignMaxLabel: END,
            },
        };
    };

    const valueAxis = (look, rest) => ({
        type: "value", position: START, axisLine: { show: false }, axisTick: { show: false },
        splitLine: { lineStyle: { color: look.grid } }, ...rest,
    });

    /* Grid lines lie under what is drawn; their labels stand on them at the edge where reading begins, over it. */
    const labelledLines = (look, scale, formatter) => [
        valueAxis(look, { ...scale, axisLabel: { show: false } }),
        valueAxis(look, {
            ...scale, z: 5, splitLine: { show: false },
            axisLabel: {
                inside: true, margin: 0, align: START, verticalAlign: "bottom", padding: [0, 0, 3, 0], formatter,
                color: look.quiet, fontSize: 12, fontFamily: look.font, textBorderColor: look.surface, textBorderWidth: 3,
            },
        }),
    ];

    const base = (chart, look, tell, pointer) => ({
        animation: !isCalm, animationDuration: 300,
        textStyle: { fontFamily: look.font },
        aria: { enabled: true, label: { description: chart.sentence } },
        axisPointer: { link: [{ xAxisIndex: "all" }], animation: false },
        tooltip: {
            trigger: "axis", renderMode: "richText", confine: true, transitionDuration: 0, padding: [8, 12],
            backgroundColor: look.surface, borderColor: look.edge, borderWidth: 1,
            textStyle: { color: look.ink, fontSize: 13, fontFamily: look.font, align: START },
            axisPointer: pointer,
            formatter: (rows) => tell([].concat(rows)[0].dataIndex).join("\n"),
        },
    });

    const niceTop = (values) => {
        const most = Math.max(...values, 1);
        const size = 10 ** Math.floor(Math.log10(most));
        return [1, 2, 4, 6, 8, 10].map((factor) => factor * size).find((top) => top >= most);
    };

    const panels = (chart, look, isNarrow) => {
        const tops = chart.series.map((one) => niceTop(one.values));
        const inset = Math.max(...tops.map((top) => plain.format(top).length)) * 7 + 10;
        const tell = (place) => [
            words(chart.days[place]), ...chart.series.map((one) => words(`${one.name}: ${figure(one.values[place])}`)),
        ];
        const count = chart.series.length;
        return {
            ...base(chart, look, tell, { type: "shadow", shadowStyle: { color: look.edge, opacity: 0.16 } }),
            grid: chart.series.map((_one, row) => ({
                [START]: inset, [END]: 2, top: row * ROW + 26, height: 50, outerBoundsMode: "none",
            })),
            xAxis: chart.series.map((_one, row) =>
                dayAxis(chart, look, { isNarrow, hasGap: true, isLast: row === count - 1, gridIndex: row })),
            yAxis: chart.series.map((one, row) => valueAxis(look, {
                gridIndex: row, min: 0, max: tops[row], interval: tops[row] % 2 ? tops[row] : tops[row] / 2,
                axisLabel: {
                    color: look.quiet, fontSize: 12, fontFamily: look.font, margin: 8,
                    formatter: (value) => figure(value), showMinLabel: true,
                },
                name: (isRtl ? ["{total|" + one.note + "}", words(one.name)] : [one.name, "{total|" + one.note + "}"]).join(" "), nameLocation: "end", nameGap: 12,
                nameTextStyle: {
                    align: START, color: look.quiet, fontSize: 12, fontFamily: look.font,
                    padding: isRtl ? [0, -inset, 0, 0] : [0, 0, 0, -inset],
                    rich: { total: { color: look.ink, fontSize: 13, fontWeight: 600, fontFamily: look.font } },
                },
            })),
            series: chart.series.map((one, row) => ({
                type: "bar", xAxisIndex: row, yAxisIndex: row, data: one.values, barCategoryGap: "28%", barMaxWidth: 22,
                itemStyle: { color: look.viz(one.tone), borderRadius: [2, 2, 0, 0] }, emphasis: { disabled: true },
            })),
        };
    };

    /* The last value in words, at the end of its line. */
    const lineEnd = (chart, look, one, text, symbol = "circle") => ({
        type: "scatter", silent: true, z: 6, symbol, symbolSize: 10,
        data: [[chart.days.length - 1, one.values.at(-1)]],
        itemStyle: { color: look.viz(one.tone), borderColor: look.surface, borderWidth: 2 },
        label: {
            show: true, position: "top", align: END, formatter: text, color: look.ink, fontSize: 13, fontWeight: 600,
            fontFamily: look.font, textBorderColor: look.surface, textBorderWidth: 4,
        },
    });

    const lineOf = (look, one) => ({
        type: "line", data: one.values, connectNulls: true, showSymbol: false, z: 3,
        lineStyle: { color: look.viz(one.tone), width: 2 }, itemStyle: { color: look.viz(one.tone) },
        emphasis: { disabled: true },
    });

    const pointerLine = (look) => ({ type: "line", lineStyle: { color: look.edge, type: "solid" }, label: { show: false } });

    const line = (chart, look, isNarrow) => {
        const [one] = chart.series;
        const known = one.values.filter((value) => value !== null);
        const top = niceTop(known);
        const tell = (place) => [
            words(chart.days[place]),
            words(`${one.name}: ${one.values[place] === null ? "\u2013" : figure(one.values[place])}`),
        ];
        return {
            ...base(chart, look, tell, pointerLine(look)),
            grid: { [START]: 0, [END]: 6, top: 28, bottom: 28, outerBoundsMode: "none" },
            xAxis: dayAxis(chart, look, { isNarrow, hasGap: chart.days.length < 2 }),
            yAxis: labelledLines(look, { min: 0, max: top, interval: top % 2 ? top : top / 2 }, (value) => figure(value)),
            series: [lineOf(look, one), lineEnd(chart, look, one, figure(one.values.at(-1)))],
        };
    };

    const bandOf = (look, one) => ({
        type: "custom", silent: true, clip: true, z: 2, data: [[0, 0]], tooltip: { show: false },
        renderItem: (_params, api) => {
            const upper = one.high.map((value, place) => api.coord([place, value]));
            const lower = one.low.map((value, place) => api.coord([place, value]));
            const edge = { stroke: look.viz(one.tone), lineWidth: 1, opacity: 0.55, fill: null };
            return {
                type: "group",
                children: [
                    {
                        type: "polygon", shape: { points: [...upper, ...[...lower].reverse()] },
                        style: { fill: look.viz(one.tone), opacity: 0.14 },
                    },
                    { type: "polyline", shape: { points: upper }, style: edge },
                    { type: "polyline", shape: { points: lower }, style: edge },
                ],
            };
        },
    });

    /* A thin line from zero at the named day, its words on the side where the chart is. */
    const markOf = (chart, look) => ({
        type: "custom", silent: true, clip: false, z: 7, data: [[chart.mark.at, 0]], tooltip: { show: false },
        renderItem: (params, api) => {
            const [x, zero] = api.coord([chart.mark.at, 0]);
            const { x: from, y: top, width, height } = params.coordSys;
            const hasRoom = zero + 76 < top + height;
            const y = hasRoom ? zero + 46 : zero - 46;
            const isAfterHalf = x > from + width / 2;
            return {
                type: "group",
                children: [
                    { type: "line", shape: { x1: x, y1: zero, x2: x, y2: y }, style: { stroke: look.zero, lineWidth: 1, lineDash: [3, 3] } },
                    {
                        type: "text", x, y: hasRoom ? y + 3 : y - 3,
                        style: {
                            text: `${words(chart.mark.words)}\n${words(chart.days[chart.mark.at])}`, align: isAfterHalf ? "right" : "left", fill: look.ink,
                            verticalAlign: hasRoom ? "top" : "bottom", font: `600 12px ${look.font}`, lineHeight: 15,
                            stroke: look.surface, lineWidth: 4,
                        },
                    },
                ],
            };
        },
    });

    const range = (chart, look, isNarrow) => {
        const [one] = chart.series;
        const top = chart.ticks.at(-1);
        const tick = (value) => words(value === top ? chart.unit.replace("{n}", figure(value, signed)) : figure(value, signed));
        const between = (place) => chart.spread.replace("{low}", figure(one.low[place], signed)).replace("{high}", figure(one.high[place], signed));
        const tell = (place) => [
            words(chart.days[place]),
            words(`${one.name}: ${figure(one.values[place], signed)}`), words(between(place)),
        ];
        return {
            ...base(chart, look, tell, pointerLine(look)),
            grid: { [START]: 0, [END]: 6, top: 22, bottom: 28, outerBoundsMode: "none" },
            xAxis: dayAxis(chart, look, { isNarrow, hasGap: false }),
            yAxis: labelledLines(look, { min: chart.ticks[0], max: top, interval: chart.ticks[1] - chart.ticks[0] }, tick),
            series: [
                bandOf(look, one),
                {
                    ...lineOf(look, one),
                    markLine: {
                        silent: true, symbol: "none", animation: false, label: { show: false }, data: [{ yAxis: 0 }],
                        lineStyle: { color: look.zero, width: 1.5, type: "solid" },
                    },
                },
                lineEnd(chart, look, one, figure(one.values.at(-1), signed), MARKS[one.tone]),
                ...(chart.mark ? [markOf(chart, look)] : []),
            ],
        };
    };

    const FORMS = { panels, line, range };

    const begin = (holder) => {
        const chart = JSON.parse(document.getElementById(holder.dataset.chart).textContent);
        const box = holder.querySelector(".cr-drawn-box");
        const place = document.createElement("div");
        const before = [...box.childNodes];
        box.replaceChildren(place);
        let drawn = null;
        const draw = () => {
            drawn.setOption(FORMS[chart.form](chart, readTokens(), box.clientWidth < NARROW), { notMerge: true });
        };
        try {
            drawn = window.echarts.init(place, null, { renderer: "svg" });
            draw();
        } catch (error) {
            box.replaceChildren(...before);
            throw error;
        }
        let width = box.clientWidth;
        new ResizeObserver(() => {
            if (box.clientWidth === width || !box.clientWidth) { return; }
            width = box.clientWidth;
            drawn.resize();
            draw();
        }).observe(box);
        return draw;
    };

    const holders = window.echarts ? [...document.querySelectorAll("figure[data-chart]")] : [];
    const redraws = holders.map(begin);
    const redrawAll = () => redraws.forEach((draw) => draw());
    new MutationObserver(redrawAll).observe(root, { attributes: true, attributeFilter: ["data-theme"] });
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);
})();
