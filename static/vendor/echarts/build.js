// What of ECharts the pages use: lines, bars, ranges (custom), funnels, as SVG. `make vendor` builds echarts.min.js from it.
export { init, use } from "echarts/core";
import { use } from "echarts/core";
import { BarChart, CustomChart, FunnelChart, LineChart, ScatterChart } from "echarts/charts";
import {
  AriaComponent, DatasetComponent, GridComponent, LegendComponent, MarkAreaComponent, MarkLineComponent, TooltipComponent,
} from "echarts/components";
import { SVGRenderer } from "echarts/renderers";
use([BarChart, CustomChart, FunnelChart, LineChart, ScatterChart, AriaComponent, DatasetComponent, GridComponent, LegendComponent,
  MarkAreaComponent, MarkLineComponent, TooltipComponent, SVGRenderer]);
