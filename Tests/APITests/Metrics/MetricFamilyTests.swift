@testable import API
import Testing

@Suite("Metrics")
struct MetricFamilyTests {
    @Test("the text is Prometheus' format")
    func text() {
        let counter = MetricFamily("a_total", .counter, help: "Things.", labels: ["name"])
        counter.add(1, "plain")
        counter.add(2, "quote\" slash\\ line\nend")
        let histogram = MetricFamily("b_seconds", .histogram([0.1, 1]), help: "Times.")
        for value in [0.0625, 0.09375, 0.5, 7] { histogram.observe(value) }
        let empty = MetricFamily("c", .gauge, help: "Never set.")
        #expect(
            PrometheusText.render([counter, histogram, empty]) == #"""
                # HELP a_total Things.
                # TYPE a_total counter
                a_total{name="plain"} 1
                a_total{name="quote\" slash\\ line\nend"} 2
                # HELP b_seconds Times.
                # TYPE b_seconds histogram
                b_seconds_bucket{le="0.1"} 2
                b_seconds_bucket{le="1"} 3
                b_seconds_bucket{le="+Inf"} 4
                b_seconds_sum 7.65625
                b_seconds_count 4

                """#
        )
    }

    @Test("beyond the cap, series are counted as other")
    func cap() {
        let family = MetricFamily(
            "a_total",
            .counter,
            help: "Things.",
            labels: ["adapter"],
            maximumSeries: 3
        )
        for index in 0..<1000 { family.add(1, "adapter-\(index)") }
        let series = family.snapshot()
        #expect(series.count == 4)
        #expect(series.last?.values == ["other"])
        #expect(series.last?.series.sum == 997)
        family.add(1, "adapter-0")
        #expect(family.snapshot().first?.series.sum == 2)
    }

    @Test("buckets of token counts go up to the context")
    func buckets() {
        #expect(MetricBuckets.tokens(upTo: 128) == [1, 2, 5, 10, 20, 50, 100])
        #expect(MetricBuckets.tokens(upTo: 1) == [1])
    }
}
