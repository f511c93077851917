import InferenceRuntime

/// Everything the server counts: vLLM's names where it has one, `facet_…` for the rest.
final class ServerMetrics: Sendable {
    let modelName: String
    let engine: EngineMetrics
    let requests: RequestMetrics
    let adapters: AdapterMetrics
    let training = TrainingMetrics()
    let process: ProcessMetrics

    /// Requests by method, route and status.
    let httpRequests = MetricFamily(
        "facet_http_requests_total",
        .counter,
        help: "HTTP requests by method, route and status.",
        labels: ["path", "method", "status"]
    )
    /// Requests refused because a key was beyond its limits.
    let rejections = MetricFamily(
        "facet_quota_rejections_total",
        .counter,
        help: "Requests refused with 429, by tenant and kind of limit.",
        labels: ["tenant", "kind"],
        maximumSeries: 200
    )

    init(modelName: String, contextTokens: Int) {
        self.modelName = modelName
        engine = EngineMetrics()
        requests = RequestMetrics(contextTokens: contextTokens)
        adapters = AdapterMetrics()
        process = ProcessMetrics()
    }

    /// The text of `/metrics`.
    ///
    /// - Parameter room: Which adapters are in memory.
    func text(
        engine statistics: EngineStatistics,
        contextTokens: Int,
        room: AdapterRoom
    ) -> String {
        engine.update(
            statistics,
            model: modelName,
            contextTokens: contextTokens,
            room: room
        )
        process.update()
        return PrometheusText.render(
            engine.families + requests.families + adapters.families + training.families
                + [httpRequests, rejections] + process.families
        )
    }
}
