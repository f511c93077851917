/// Metrics in Prometheus' text format, version 0.0.4.
enum PrometheusText {
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    static func render(_ families: [MetricFamily]) -> String {
        var text = ""
        for family in families {
            let series = family.snapshot()
            guard !series.isEmpty else { continue }
            text += "# HELP \(family.name) \(escaped(family.help, quotes: false))\n"
            text += "# TYPE \(family.name) \(word(family.kind))\n"
            for (values, series) in series {
                let labels = zip(family.labels, values).map { (name: $0, value: $1) }
                write(family, series, labels, to: &text)
            }
        }
        return text
    }

    private static func write(
        _ family: MetricFamily,
        _ series: MetricFamily.Series,
        _ labels: [(name: String, value: String)],
        to text: inout String
    ) {
        guard case .histogram(let bounds) = family.kind else {
            line(family.name, labels, number(series.sum), to: &text)
            return
        }
        var below = 0
        for (bound, count) in zip(bounds, series.buckets) {
            below += count
            let labels = labels + [(name: "le", value: number(bound))]
            line(family.name + "_bucket", labels, "\(below)", to: &text)
        }
        let last = labels + [(name: "le", value: "+Inf")]
        line(family.name + "_bucket", last, "\(series.count)", to: &text)
        line(family.name + "_sum", labels, number(series.sum), to: &text)
        line(family.name + "_count", labels, "\(series.count)", to: &text)
    }

    private static func line(
        _ name: String,
        _ labels: [(name: String, value: String)],
        _ value: String,
        to text: inout String
    ) {
        text += name
        if !labels.isEmpty {
            let shown = labels.map { "\($0.name)=\"\(escaped($0.value, quotes: true))\"" }
            text += "{" + shown.joined(separator: ",") + "}"
        }
        text += " \(value)\n"
    }

    private static func word(_ kind: MetricFamily.Kind) -> String {
        switch kind {
        case .counter: "counter"
        case .gauge: "gauge"
        case .histogram: "histogram"
        }
    }

    private static func number(_ value: Double) -> String {
        if let integer = Int(exactly: value) { return "\(integer)" }
        return value == .infinity ? "+Inf" : "\(value)"
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
