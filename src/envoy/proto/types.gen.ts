// Written by proto/types.mjs from the vendored protos. Do not edit.
// ProtoJSON as Envoy's documentation writes it: snake_case names, durations as '5s', wrappers as plain values.

export interface Messages {
  'envoy.config.accesslog.v3.AccessLog': {
    readonly name?: string;
    readonly filter?: Messages['envoy.config.accesslog.v3.AccessLogFilter'];
    readonly typed_config?: Any;
  };
  'envoy.config.accesslog.v3.AccessLogFilter': {
    readonly status_code_filter?: Messages['envoy.config.accesslog.v3.StatusCodeFilter'];
    readonly duration_filter?: Messages['envoy.config.accesslog.v3.DurationFilter'];
    readonly not_health_check_filter?: Messages['envoy.config.accesslog.v3.NotHealthCheckFilter'];
    readonly traceable_filter?: Messages['envoy.config.accesslog.v3.TraceableFilter'];
    readonly runtime_filter?: Messages['envoy.config.accesslog.v3.RuntimeFilter'];
    readonly and_filter?: Messages['envoy.config.accesslog.v3.AndFilter'];
    readonly or_filter?: Messages['envoy.config.accesslog.v3.OrFilter'];
    readonly header_filter?: Messages['envoy.config.accesslog.v3.HeaderFilter'];
    readonly response_flag_filter?: Messages['envoy.config.accesslog.v3.ResponseFlagFilter'];
    readonly grpc_status_filter?: Messages['envoy.config.accesslog.v3.GrpcStatusFilter'];
    readonly extension_filter?: Messages['envoy.config.accesslog.v3.ExtensionFilter'];
    readonly metadata_filter?: Messages['envoy.config.accesslog.v3.MetadataFilter'];
    readonly log_type_filter?: Messages['envoy.config.accesslog.v3.LogTypeFilter'];
  };
  'envoy.config.accesslog.v3.AndFilter': {
    readonly filters?: readonly (Messages['envoy.config.accesslog.v3.AccessLogFilter'])[];
  };
  'envoy.config.accesslog.v3.ComparisonFilter': {
    readonly op?: 'EQ' | 'GE' | 'LE' | 'NE';
    readonly value?: Messages['envoy.config.core.v3.RuntimeUInt32'];
  };
  'envoy.config.accesslog.v3.DurationFilter': {
    readonly comparison?: Messages['envoy.config.accesslog.v3.ComparisonFilter'];
  };
  'envoy.config.accesslog.v3.ExtensionFilter': {
    readonly name?: string;
    readonly typed_config?: Any;
  };
  'envoy.config.accesslog.v3.GrpcStatusFilter': {
    readonly statuses?: readonly ('OK' | 'CANCELED' | 'UNKNOWN' | 'INVALID_ARGUMENT' | 'DEADLINE_EXCEEDED' | 'NOT_FOUND' | 'ALREADY_EXISTS' | 'PERMISSION_DENIED' | 'RESOURCE_EXHAUSTED' | 'FAILED_PRECONDITION' | 'ABORTED' | 'OUT_OF_RANGE' | 'UNIMPLEMENTED' | 'INTERNAL' | 'UNAVAILABLE' | 'DATA_LOSS' | 'UNAUTHENTICATED')[];
    readonly exclude?: boolean;
  };
  'envoy.config.accesslog.v3.HeaderFilter': {
    readonly header?: Messages['envoy.config.route.v3.HeaderMatcher'];
  };
  'envoy.config.accesslog.v3.LogTypeFilter': {
    readonly types?: readonly ('NotSet' | 'TcpUpstreamConnected' | 'TcpPeriodic' | 'TcpConnectionStart' | 'TcpConnectionEnd' | 'DownstreamStart' | 'DownstreamPeriodic' | 'DownstreamEnd' | 'UpstreamPoolReady' | 'UpstreamPeriodic' | 'UpstreamEnd' | 'DownstreamTunnelSuccessfullyEstablished' | 'UdpTunnelUpstreamConnected' | 'UdpPeriodic' | 'UdpSessionEnd')[];
    readonly exclude?: boolean;
  };
  'envoy.config.accesslog.v3.MetadataFilter': {
    readonly matcher?: Messages['envoy.type.matcher.v3.MetadataMatcher'];
    readonly match_if_key_not_found?: boolean;
  };
  'envoy.config.accesslog.v3.NotHealthCheckFilter': {
  };
  'envoy.config.accesslog.v3.OrFilter': {
    readonly filters?: readonly (Messages['envoy.config.accesslog.v3.AccessLogFilter'])[];
  };
  'envoy.config.accesslog.v3.ResponseFlagFilter': {
    readonly flags?: readonly (string)[];
  };
  'envoy.config.accesslog.v3.RuntimeFilter': {
    readonly runtime_key?: string;
    readonly percent_sampled?: Messages['envoy.type.v3.FractionalPercent'];
    readonly use_independent_randomness?: boolean;
  };
  'envoy.config.accesslog.v3.StatusCodeFilter': {
    readonly comparison?: Messages['envoy.config.accesslog.v3.ComparisonFilter'];
  };
  'envoy.config.accesslog.v3.TraceableFilter': {
  };
  'envoy.config.bootstrap.v3.Admin': {
    readonly access_log?: readonly (Messages['envoy.config.accesslog.v3.AccessLog'])[];
    readonly profile_path?: string;
    readonly address?: Messages['envoy.config.core.v3.Address'];
    readonly socket_options?: readonly (Messages['envoy.config.core.v3.SocketOption'])[];
    readonly ignore_global_conn_limit?: boolean;
    readonly allow_paths?: readonly (Messages['envoy.type.matcher.v3.StringMatcher'])[];
  };
  'envoy.config.bootstrap.v3.Bootstrap': {
    readonly node?: Messages['envoy.config.core.v3.Node'];
    readonly node_context_params?: readonly (string)[];
    readonly static_resources?: Messages['envoy.config.bootstrap.v3.Bootstrap.StaticResources'];
    readonly dynamic_resources?: Messages['envoy.config.bootstrap.v3.Bootstrap.DynamicResources'];
    readonly cluster_manager?: Messages['envoy.config.bootstrap.v3.ClusterManager'];
    readonly hds_config?: Messages['envoy.config.core.v3.ApiConfigSource'];
    readonly flags_path?: string;
    readonly stats_sinks?: readonly (Messages['envoy.config.metrics.v3.StatsSink'])[];
    readonly deferred_stat_options?: Messages['envoy.config.bootstrap.v3.Bootstrap.DeferredStatOptions'];
    readonly stats_config?: Messages['envoy.config.metrics.v3.StatsConfig'];
    readonly stats_flush_interval?: string;
    readonly stats_flush_on_admin?: boolean;
    readonly stats_eviction_interval?: string;
    readonly watchdogs?: Messages['envoy.config.bootstrap.v3.Watchdogs'];
    readonly layered_runtime?: Messages['envoy.config.bootstrap.v3.LayeredRuntime'];
    readonly admin?: Messages['envoy.config.bootstrap.v3.Admin'];
    readonly overload_manager?: Messages['envoy.config.overload.v3.OverloadManager'];
    readonly enable_dispatcher_stats?: boolean;
    readonly header_prefix?: string;
    readonly stats_server_version_override?: number;
    readonly typed_dns_resolver_config?: Messages['envoy.config.core.v3.TypedExtensionConfig'];
    readonly bootstrap_extensions?: readonly (Messages['envoy.config.core.v3.TypedExtensionConfig'])[];
    readonly fatal_actions?: readonly (Messages['envoy.config.bootstrap.v3.FatalAction'])[];
    readonly config_sources?: readonly (Messages['envoy.config.core.v3.ConfigSource'])[];
    readonly default_config_source?: Messages['envoy.config.core.v3.ConfigSource'];
    readonly default_socket_interface?: string;
    readonly certificate_provider_instances?: { readonly [key: string]: Messages['envoy.config.core.v3.TypedExtensionConfig'] };
    readonly inline_headers?: readonly (Messages['envoy.config.bootstrap.v3.CustomInlineHeader'])[];
    readonly perf_tracing_file_path?: string;
    readonly default_regex_engine?: Messages['envoy.config.core.v3.TypedExtensionConfig'];
    readonly xds_delegate_extension?: Messages['envoy.config.core.v3.TypedExtensionConfig'];
    readonly xds_config_tracker_extension?: Messages['envoy.config.core.v3.TypedExtensionConfig'];
    readonly listener_manager?: Messages['envoy.config.core.v3.TypedExtensionConfig'];
    readonly application_log_config?: Messages['envoy.config.bootstrap.v3.Bootstrap.ApplicationLogConfig'];
    readonly grpc_async_client_manager_config?: Messages['envoy.config.bootstrap.v3.Bootstrap.GrpcAsyncClientManagerConfig'];
    readonly memory_allocator_manager?: Messages['envoy.config.bootstrap.v3.MemoryAllocatorManager'];
    readonly enable_worker_cpu_affinity?: boolean;
  };
  'envoy.config.bootstrap.v3.Bootstrap.ApplicationLogConfig': {
    readonly log_format?: Messages['envoy.config.bootstrap.v3.Bootstrap.ApplicationLogConfig.LogFormat'];
  };
  'envoy.config.bootstrap.v3.Bootstrap.ApplicationLogConfig.LogFormat': {
    readonly json_format?: { readonly [key: string]: unknown };
    readonly text_format?: string;
  };
  'envoy.config.bootstrap.v3.Bootstrap.DeferredStatOptions': {
    readonly enable_deferred_creation_stats?: boolean;
  };
  'envoy.config.bootstrap.v3.Bootstrap.DynamicResources': {
    readonly lds_config?: Messages['envoy.config.core.v3.ConfigSource'];
    readonly lds_resources_locator?: string;
    readonly cds_config?: Messages['envoy.config.core.v3.ConfigSource'];
    readonly cds_resources_locator?: string;
    readonly ads_config?: Messages['envoy.config.core.v3.ApiConfigSource'];
  };
  'envoy.config.bootstrap.v3.Bootstrap.GrpcAsyncClientManagerConfig': {
    readonly max_cached_entry_idle_duration?: string;
  };
  'envoy.config.bootstrap.v3.Bootstrap.StaticResources': {
    readonly listeners?: readonly (Messages['envoy.config.listener.v3.Listener'])[];
    readonly clusters?: readonly (Messages['envoy.config.cluster.v3.Cluster'])[];
    readonly secrets?: readonly (Messages['envoy.extensions.transport_sockets.tls.v3.Secret'])[];
  };
  'envoy.config.bootstrap.v3.ClusterManager': {
    readonly local_cluster_name?: string;
    readonly outlier_detection?: Messages['envoy.config.bootstrap.v3.ClusterManager.OutlierDetection'];
    readonly upstream_bind_config?: Messages['envoy.config.core.v3.BindConfig'];
    readonly load_stats_config?: Messages['envoy.config.core.v3.ApiConfigSource'];
    readonly enable_deferred_cluster_creation?: boolean;
  };
  'envoy.config.bootstrap.v3.ClusterManager.OutlierDetection': {
    readonly event_log_path?: string;
    readonly event_service?: Messages['envoy.config.core.v3.EventServiceConfig'];
  };
  'envoy.config.bootstrap.v3.CustomInlineHeader': {
    readonly inline_header_name?: string;
    readonly inline_header_type?: 'REQUEST_HEADER' | 'REQUEST_TRAILER' | 'RESPONSE_HEADER' | 'RESPONSE_TRAILER';
  };
  'envoy.config.bootstrap.v3.FatalAction': {
    readonly config?: Messages['envoy.config.core.v3.TypedExtensionConfig'];
  };
  'envoy.config.bootstrap.v3.LayeredRuntime': {
    readonly layers?: readonly (Messages['envoy.config.bootstrap.v3.RuntimeLayer'])[];
  };
  'envoy.config.bootstrap.v3.MemoryAllocatorManager': {
    readonly bytes_to_release?: number;
    readonly memory_release_interval?: string;
    readonly soft_memory_limit_bytes?: number;
    readonly max_per_cpu_cache_size_bytes?: number;
    readonly max_unfreed_memory_bytes?: number;
  };
  'envoy.config.bootstrap.v3.RuntimeLayer': {
    readonly name?: string;
    readonly static_layer?: { readonly [key: string]: unknown };
    readonly disk_layer?: Messages['envoy.config.bootstrap.v3.RuntimeLayer.DiskLayer'];
    readonly admin_layer?: Messages['envoy.config.bootstrap.v3.RuntimeLayer.AdminLayer'];
    readonly rtds_layer?: Messages['envoy.config.bootstrap.v3.RuntimeLayer.RtdsLayer'];
  };
  'envoy.config.bootstrap.v3.RuntimeLayer.AdminLayer': {
  };
  'envoy.config.bootstrap.v3.RuntimeLayer.DiskLayer': {
    readonly symlink_root?: string;
    readonly subdirectory?: string;
    readonly append_service_cluster?: boolean;
  };
  'envoy.config.bootstrap.v3.RuntimeLayer.RtdsLayer': {
    readonly name?: string;
    readonly rtds_config?: Messages['envoy.config.core.v3.ConfigSource'];
  };
  'envoy.config.bootstrap.v3.Watchdog': {
    readonly actions?: readonly (Messages['envoy.config.bootstrap.v3.Watchdog.WatchdogAction'])[];
    readonly miss_timeout?: string;
    readonly megamiss_timeout?: string;
    readonly kill_timeout?: string;
    readonly max_kill_timeout_jitter?: string;
    readonly multikill_timeout?: string;
    readonly multikill_threshold?: Messages['envoy.type.v3.Percent'];
  };
  'envoy.config.bootstrap.v3.Watchdog.WatchdogAction': {
    readonly config?: Messages['envoy.config.core.v3.TypedExtensionConfig'];
    readonly event?: 'UNKNOWN' | 'KILL' | 'MULTIKILL' | 'MEGAMISS' | 'MISS';
  };
  'envoy.config.bootstrap.v3.Watchdogs': {
    readonly main_thread_watchdog?: Messages['envoy.config.bootstrap.v3.Watchdog'];
    readonly worker_watchdog?: Messages['envoy.config.bootstrap.v3.Watchdog'];
  };
  'envoy.config.cluster.v3.CircuitBreakers': {
    readonly thresholds?: readonly (Messages['envoy.config.cluster.v3.CircuitBreakers.Thresholds'])[];
    readonly per_host_thresholds?: readonly (Messages['envoy.config.cluster.v3.CircuitBreakers.Thresholds'])[];
  };
  'envoy.config.cluster.v3.CircuitBreakers.Thresholds': {
    readonly priority?: 'DEFAULT' | 'HIGH';
    readonly max_connections?: number;
    readonly max_pending_requests?: number;
    readonly max_requests?: number;
    readonly max_retries?: number;
    readonly retry_budget?: Messages['envoy.config.cluster.v3.CircuitBreakers.Thresholds.RetryBudget'];
    readonly track_remaining?: boolean;
    readonly max_connection_pools?: number;
  };
  'envoy.config.cluster.v3.CircuitBreakers.Thresholds.RetryBudget': {
    readonly budget_percent?: Messages['envoy.type.v3.Percent'];
    readonly budget_interval?: string;
    readonly min_retry_concurrency?: number;
  };
  'envoy.config.cluster.v3.Cluster': {
    readonly transport_socket_matches?: readonly (Messages['envoy.config.cluster.v3.Cluster.TransportSocketMatch'])[];
    readonly transport_socket_matcher?: Messages['xds.type.matcher.v3.Matcher'];
    readonly name?: string;
    readonly alt_stat_name?: string;
    readonly stats_matcher?: Messages['envoy.config.metrics.v3.StatsMatcher'];
    readonly type?: 'STATIC' | 'STRICT_DNS' | 'LOGICAL_DNS' | 'EDS' | 'ORIGINAL_DST';
    readonly cluster_type?: Messages['envoy.config.cluster.v3.Cluster.CustomClusterType'];
    readonly eds_cluster_config?: Messages['envoy.config.cluster.v3.Cluster.EdsClusterConfig'];
    readonly connect_timeout?: string;
    readonly per_connection_buffer_limit_bytes?: number;
    readonly per_connection_buffer_high_watermark_timeout?: string;
    readonly lb_policy?: 'ROUND_ROBIN' | 'LEAST_REQUEST' | 'RING_HASH' | 'RANDOM' | 'MAGLEV' | 'CLUSTER_PROVIDED' | 'LOAD_BALANCING_POLICY_CONFIG';
    readonly load_assignment?: Messages['envoy.config.endpoint.v3.ClusterLoadAssignment'];
    readonly health_checks?: readonly (Messages['envoy.config.core.v3.HealthCheck'])[];
    readonly circuit_breakers?: Messages['envoy.config.cluster.v3.CircuitBreakers'];
    readonly typed_extension_protocol_options?: { readonly [key: string]: Any };
    readonly dns_lookup_family?: 'AUTO' | 'V4_ONLY' | 'V6_ONLY' | 'V4_PREFERRED' | 'ALL';
    readonly typed_dns_resolver_config?: Messages['envoy.config.core.v3.TypedExtensionConfig'];
    readonly wait_for_warm_on_init?: boolean;
    readonly outlier_detection?: Messages['envoy.config.cluster.v3.OutlierDetection'];
    readonly cleanup_interval?: string;
    readonly upstream_bind_config?: Messages['envoy.config.core.v3.BindConfig'];
    readonly lb_subset_config?: Messages['envoy.config.cluster.v3.Cluster.LbSubsetConfig'];
    readonly ring_hash_lb_config?: Messages['envoy.config.cluster.v3.Cluster.RingHashLbConfig'];
    readonly maglev_lb_config?: Messages['envoy.config.cluster.v3.Cluster.MaglevLbConfig'];
    readonly original_dst_lb_config?: Messages['envoy.config.cluster.v3.Cluster.OriginalDstLbConfig'];
    readonly least_request_lb_config?: Messages['envoy.config.cluster.v3.Cluster.LeastRequestLbConfig'];
    readonly round_robin_lb_config?: Messages['envoy.config.cluster.v3.Cluster.RoundRobinLbConfig'];
    readonly common_lb_config?: Messages['envoy.config.cluster.v3.Cluster.CommonLbConfig'];
    readonly transport_socket?: Messages['envoy.config.core.v3.TransportSocket'];
    readonly metadata?: Messages['envoy.config.core.v3.Metadata'];
    readonly upstream_connection_options?: Messages['envoy.config.cluster.v3.UpstreamConnectionOptions'];
    readonly close_connections_on_host_health_failure?: boolean;
    readonly ignore_health_on_host_removal?: boolean;
    readonly filters?: readonly (Messages['envoy.config.cluster.v3.Filter'])[];
    readonly load_balancing_policy?: Messages['envoy.config.cluster.v3.LoadBalancingPolicy'];
    readonly lrs_server?: Messages['envoy.config.core.v3.ConfigSource'];
    readonly lrs_report_endpoint_metrics?: readonly (string)[];
    readonly upstream_config?: Messages['envoy.config.core.v3.TypedExtensionConfig'];
    readonly track_cluster_stats?: Messages['envoy.config.cluster.v3.TrackClusterStats'];
    readonly preconnect_policy?: Messages['envoy.config.cluster.v3.Cluster.PreconnectPolicy'];
    readonly connection_pool_per_downstream_connection?: boolean;
    readonly queuing_policies?: Messages['envoy.config.cluster.v3.Cluster.QueuingPolicies'];
  };
  'envoy.config.cluster.v3.Cluster.CommonLbConfig': {
    readonly healthy_panic_threshold?: Messages['envoy.type.v3.Percent'];
    readonly zone_aware_lb_config?: Messages['envoy.config.cluster.v3.Cluster.CommonLbConfig.ZoneAwareLbConfig'];
    readonly locality_weighted_lb_config?: Messages['envoy.config.cluster.v3.Cluster.CommonLbConfig.LocalityWeightedLbConfig'];
    readonly update_merge_window?: string;
    readonly ignore_new_hosts_until_first_hc?: boolean;
    readonly close_connections_on_host_set_change?: boolean;
    readonly consistent_hashing_lb_config?: Messages['envoy.config.cluster.v3.Cluster.CommonLbConfig.ConsistentHashingLbConfig'];
    readonly override_host_status?: Messages['envoy.config.core.v3.HealthStatusSet'];
  };
  'envoy.config.cluster.v3.Cluster.CommonLbConfig.ConsistentHashingLbConfig': {
    readonly use_hostname_for_hashing?: boolean;
    readonly hash_balance_factor?: number;
  };
  'envoy.config.cluster.v3.Cluster.CommonLbConfig.LocalityWeightedLbConfig': {
  };
  'envoy.config.cluster.v3.Cluster.CommonLbConfig.ZoneAwareLbConfig': {
    readonly routing_enabled?: Messages['envoy.type.v3.Percent'];
    readonly min_cluster_size?: number;
    readonly fail_traffic_on_panic?: boolean;
  };
  'envoy.config.cluster.v3.Cluster.CustomClusterType': {
    readonly name?: string;
    readonly typed_config?: Any;
  };
  'envoy.config.cluster.v3.Cluster.EdsClusterConfig': {
    readonly eds_config?: Messages['envoy.config.core.v3.ConfigSource'];
    readonly service_name?: string;
  };
  'envoy.config.cluster.v3.Cluster.LbSubsetConfig': {
    readonly fallback_policy?: 'NO_FALLBACK' | 'ANY_ENDPOINT' | 'DEFAULT_SUBSET';
    readonly default_subset?: { readonly [key: string]: unknown };
    readonly subset_selectors?: readonly (Messages['envoy.config.cluster.v3.Cluster.LbSubsetConfig.LbSubsetSelector'])[];
    readonly locality_weight_aware?: boolean;
    readonly scale_locality_weight?: boolean;
    readonly panic_mode_any?: boolean;
    readonly list_as_any?: boolean;
    readonly metadata_fallback_policy?: 'METADATA_NO_FALLBACK' | 'FALLBACK_LIST';
  };
  'envoy.config.cluster.v3.Cluster.LbSubsetConfig.LbSubsetSelector': {
    readonly keys?: readonly (string)[];
    readonly single_host_per_subset?: boolean;
    readonly fallback_policy?: 'NOT_DEFINED' | 'NO_FALLBACK' | 'ANY_ENDPOINT' | 'DEFAULT_SUBSET' | 'KEYS_SUBSET';
    readonly fallback_keys_subset?: readonly (string)[];
  };
  'envoy.config.cluster.v3.Cluster.LeastRequestLbConfig': {
    readonly choice_count?: number;
    readonly active_request_bias?: Messages['envoy.config.core.v3.RuntimeDouble'];
    readonly slow_start_config?: Messages['envoy.config.cluster.v3.Cluster.SlowStartConfig'];
  };
  'envoy.config.cluster.v3.Cluster.MaglevLbConfig': {
    readonly table_size?: number;
  };
  'envoy.config.cluster.v3.Cluster.OriginalDstLbConfig': {
    readonly use_http_header?: boolean;
    readonly http_header_name?: string;
    readonly upstream_port_override?: number;
    readonly metadata_key?: Messages['envoy.type.metadata.v3.MetadataKey'];
  };
  'envoy.config.cluster.v3.Cluster.PreconnectPolicy': {
    readonly per_upstream_preconnect_ratio?: number;
    readonly predictive_preconnect_ratio?: number;
    readonly preconnect_enabled_metadata?: Messages['envoy.type.matcher.v3.MetadataMatcher'];
  };
  'envoy.config.cluster.v3.Cluster.QueuingPolicies': {
    readonly pending_rq_policy?: Messages['envoy.config.core.v3.TypedExtensionConfig'];
  };
  'envoy.config.cluster.v3.Cluster.RingHashLbConfig': {
    readonly minimum_ring_size?: number;
    readonly hash_function?: 'XX_HASH' | 'MURMUR_HASH_2';
    readonly maximum_ring_size?: number;
  };
  'envoy.config.cluster.v3.Cluster.RoundRobinLbConfig': {
    readonly slow_start_config?: Messages['envoy.config.cluster.v3.Cluster.SlowStartConfig'];
  };
  'envoy.config.cluster.v3.Cluster.SlowStartConfig': {
    readonly slow_start_window?: string;
    readonly aggression?: Messages['envoy.config.core.v3.RuntimeDouble'];
    readonly min_weight_percent?: Messages['envoy.type.v3.Percent'];
  };
  'envoy.config.cluster.v3.Cluster.TransportSocketMatch': {
    readonly name?: string;
    readonly match?: { readonly [key: string]: unknown };
    readonly transport_socket?: Messages['envoy.config.core.v3.TransportSocket'];
  };
  'envoy.config.cluster.v3.Filter': {
    readonly name?: string;
    readonly typed_config?: Any;
    readonly config_discovery?: Messages['envoy.config.core.v3.ExtensionConfigSource'];
  };
  'envoy.config.cluster.v3.LoadBalancingPolicy': {
    readonly policies?: readonly (Messages['envoy.config.cluster.v3.LoadBalancingPolicy.Policy'])[];
  };
  'envoy.config.cluster.v3.LoadBalancingPolicy.Policy': {
    readonly typed_extension_config?: Messages['envoy.config.core.v3.TypedExtensionConfig'];
  };
  'envoy.config.cluster.v3.OutlierDetection': {
    readonly consecutive_5xx?: number;
    readonly interval?: string;
    readonly base_ejection_time?: string;
    readonly max_ejection_percent?: number;
    readonly enforcing_consecutive_5xx?: number;
    readonly enforcing_success_rate?: number;
    readonly success_rate_minimum_hosts?: number;
    readonly success_rate_request_volume?: number;
    readonly success_rate_stdev_factor?: number;
    readonly consecutive_gateway_failure?: number;
    readonly enforcing_consecutive_gateway_failure?: number;
    readonly split_external_local_origin_errors?: boolean;
    readonly consecutive_local_origin_failure?: number;
    readonly enforcing_consecutive_local_origin_failure?: number;
    readonly enforcing_local_origin_success_rate?: number;
    readonly failure_percentage_threshold?: number;
    readonly enforcing_failure_percentage?: number;
    readonly enforcing_failure_percentage_local_origin?: number;
    readonly failure_percentage_minimum_hosts?: number;
    readonly failure_percentage_request_volume?: number;
    readonly max_ejection_time?: string;
    readonly max_ejection_time_jitter?: string;
    readonly successful_active_health_check_uneject_host?: boolean;
    readonly monitors?: readonly (Messages['envoy.config.core.v3.TypedExtensionConfig'])[];
    readonly always_eject_one_host?: boolean;
    readonly detect_degraded_hosts?: boolean;
  };
  'envoy.config.cluster.v3.TrackClusterStats': {
    readonly timeout_budgets?: boolean;
    readonly request_response_sizes?: boolean;
    readonly per_endpoint_stats?: boolean;
  };
  'envoy.config.cluster.v3.UpstreamConnectionOptions': {
    readonly tcp_keepalive?: Messages['envoy.config.core.v3.TcpKeepalive'];
    readonly set_local_interface_name_on_upstream_connections?: boolean;
    readonly happy_eyeballs_config?: Messages['envoy.config.cluster.v3.UpstreamConnectionOptions.HappyEyeballsConfig'];
  };
  'envoy.config.cluster.v3.UpstreamConnectionOptions.HappyEyeballsConfig': {
    readonly first_address_family_version?: 'DEFAULT' | 'V4' | 'V6' | 'PIPE' | 'INTERNAL';
    readonly first_address_family_count?: number;
  };
  'envoy.config.common.matcher.v3.HttpGenericBodyMatch': {
    readonly bytes_limit?: number;
    readonly patterns?: readonly (Messages['envoy.config.common.matcher.v3.HttpGenericBodyMatch.GenericTextMatch'])[];
  };
  'envoy.config.common.matcher.v3.HttpGenericBodyMatch.GenericTextMatch': {
    readonly string_match?: string;
    readonly binary_match?: string;
  };
  'envoy.config.common.matcher.v3.HttpHeadersMatch': {
    readonly headers?: readonly (Messages['envoy.config.route.v3.HeaderMatcher'])[];
  };
  'envoy.config.common.matcher.v3.MatchPredicate': {
    readonly or_match?: Messages['envoy.config.common.matcher.v3.MatchPredicate.MatchSet'];
    readonly and_match?: Messages['envoy.config.common.matcher.v3.MatchPredicate.MatchSet'];
    readonly not_match?: Messages['envoy.config.common.matcher.v3.MatchPredicate'];
    readonly any_match?: boolean;
    readonly http_request_headers_match?: Messages['envoy.config.common.matcher.v3.HttpHeadersMatch'];
    readonly http_request_trailers_match?: Messages['envoy.config.common.matcher.v3.HttpHeadersMatch'];
    readonly http_response_headers_match?: Messages['envoy.config.common.matcher.v3.HttpHeadersMatch'];
    readonly http_response_trailers_match?: Messages['envoy.config.common.matcher.v3.HttpHeadersMatch'];
    readonly http_request_generic_body_match?: Messages['envoy.config.common.matcher.v3.HttpGenericBodyMatch'];
    readonly http_response_generic_body_match?: Messages['envoy.config.common.matcher.v3.HttpGenericBodyMatch'];
  };
  'envoy.config.common.matcher.v3.MatchPredicate.MatchSet': {
    readonly rules?: readonly (Messages['envoy.config.common.matcher.v3.MatchPredicate'])[];
  };
  'envoy.config.common.mutation_rules.v3.HeaderMutation': {
    readonly remove?: string;
    readonly append?: Messages['envoy.config.core.v3.HeaderValueOption'];
    readonly remove_on_match?: Messages['envoy.config.common.mutation_rules.v3.HeaderMutation.RemoveOnMatch'];
  };
  'envoy.config.common.mutation_rules.v3.HeaderMutation.RemoveOnMatch': {
    readonly key_matcher?: Messages['envoy.type.matcher.v3.StringMatcher'];
  };
  'envoy.config.core.v3.Address': {
    readonly socket_address?: Messages['envoy.config.core.v3.SocketAddress'];
    readonly pipe?: Messages['envoy.config.core.v3.Pipe'];
    readonly envoy_internal_address?: Messages['envoy.config.core.v3.EnvoyInternalAddress'];
  };
  'envoy.config.core.v3.AggregatedConfigSource': {
  };
  'envoy.config.core.v3.AlternateProtocolsCacheOptions': {
    readonly name?: string;
    readonly max_entries?: number;
    readonly key_value_store_config?: Messages['envoy.config.core.v3.TypedExtensionConfig'];
    readonly prepopulated_entries?: readonly (Messages['envoy.config.core.v3.AlternateProtocolsCacheOptions.AlternateProtocolsCacheEntry'])[];
    readonly canonical_suffixes?: readonly (string)[];
  };
  'envoy.config.core.v3.AlternateProtocolsCacheOptions.AlternateProtocolsCacheEntry': {
    readonly hostname?: string;
    readonly port?: number;
  };
  'envoy.config.core.v3.ApiConfigSource': {
    readonly api_type?: 'REST' | 'GRPC' | 'DELTA_GRPC' | 'AGGREGATED_GRPC' | 'AGGREGATED_DELTA_GRPC';
    readonly transport_api_version?: 'AUTO' | 'V2' | 'V3';
    readonly cluster_names?: readonly (string)[];
    readonly grpc_services?: readonly (Messages['envoy.config.core.v3.GrpcService'])[];
    readonly refresh_delay?: string;
    readonly request_timeout?: string;
    readonly rate_limit_settings?: Messages['envoy.config.core.v3.RateLimitSettings'];
    readonly set_node_on_first_message_only?: boolean;
    readonly config_validators?: readonly (Messages['envoy.config.core.v3.TypedExtensionConfig'])[];
  };
  'envoy.config.core.v3.BackoffStrategy': {
    readonly base_interval?: string;
    readonly max_interval?: string;
  };
  'envoy.config.core.v3.BindConfig': {
    readonly source_address?: Messages['envoy.config.core.v3.SocketAddress'];
    readonly freebind?: boolean;
    readonly socket_options?: readonly (Messages['envoy.config.core.v3.SocketOption'])[];
    readonly extra_source_addresses?: readonly (Messages['envoy.config.core.v3.ExtraSourceAddress'])[];
    readonly local_address_selector?: Messages['envoy.config.core.v3.TypedExtensionConfig'];
    readonly validate_network_namespaces?: boolean;
  };
  'envoy.config.core.v3.BuildVersion': {
    readonly version?: Messages['envoy.type.v3.SemanticVersion'];
    readonly metadata?: { readonly [key: string]: unknown };
  };
  'envoy.config.core.v3.CelExpressionConfig': {
    readonly enable_string_conversion?: boolean;
    readonly enable_string_concat?: boolean;
    readonly enable_string_functions?: boolean;
  };
  'envoy.config.core.v3.CidrRange': {
    readonly address_prefix?: string;
    readonly prefix_len?: number;
  };
  'envoy.config.core.v3.ConfigSource': {
    readonly authorities?: readonly (Messages['xds.core.v3.Authority'])[];
    readonly path_config_source?: Messages['envoy.config.core.v3.PathConfigSource'];
    readonly api_config_source?: Messages['envoy.config.core.v3.ApiConfigSource'];
    readonly ads?: Messages['envoy.config.core.v3.AggregatedConfigSource'];
    readonly self?: Messages['envoy.config.core.v3.SelfConfigSource'];
    readonly initial_fetch_timeout?: string;
    readonly resource_api_version?: 'AUTO' | 'V2' | 'V3';
  };
  'envoy.config.core.v3.ControlPlane': {
    readonly identifier?: string;
  };
  'envoy.config.core.v3.DataSource': {
    readonly filename?: string;
    readonly inline_bytes?: string;
    readonly inline_string?: string;
    readonly environment_variable?: string;
    readonly watched_directory?: Messages['envoy.config.core.v3.WatchedDirectory'];
  };
  'envoy.config.core.v3.EnvoyInternalAddress': {
    readonly server_listener_name?: string;
    readonly endpoint_id?: string;
  };
  'envoy.config.core.v3.EventServiceConfig': {
    readonly grpc_service?: Messages['envoy.config.core.v3.GrpcService'];
  };
  'envoy.config.core.v3.Extension': {
    readonly name?: string;
    readonly category?: string;
    readonly version?: Messages['envoy.config.core.v3.BuildVersion'];
    readonly disabled?: boolean;
    readonly type_urls?: readonly (string)[];
  };
  'envoy.config.core.v3.ExtensionConfigSource': {
    readonly config_source?: Messages['envoy.config.core.v3.ConfigSource'];
    readonly default_config?: Any;
    readonly apply_default_config_without_warming?: boolean;
    readonly type_urls?: readonly (string)[];
  };
  'envoy.config.core.v3.ExtraSourceAddress': {
    readonly address?: Messages['envoy.config.core.v3.SocketAddress'];
    readonly socket_options?: Messages['envoy.config.core.v3.SocketOptionsOverride'];
  };
  'envoy.config.core.v3.GrpcService': {
    readonly envoy_grpc?: Messages['envoy.config.core.v3.GrpcService.EnvoyGrpc'];
    readonly google_grpc?: Messages['envoy.config.core.v3.GrpcService.GoogleGrpc'];
    readonly timeout?: string;
    readonly initial_metadata?: readonly (Messages['envoy.config.core.v3.HeaderValue'])[];
    readonly retry_policy?: Messages['envoy.config.core.v3.RetryPolicy'];
  };
  'envoy.config.core.v3.GrpcService.EnvoyGrpc': {
    readonly cluster_name?: string;
    readonly authority?: string;
    readonly retry_policy?: Messages['envoy.config.core.v3.RetryPolicy'];
    readonly max_receive_message_length?: number;
    readonly skip_envoy_headers?: boolean;
  };
  'envoy.config.core.v3.GrpcService.GoogleGrpc': {
    readonly target_uri?: string;
    readonly channel_credentials?: Messages['envoy.config.core.v3.GrpcService.GoogleGrpc.ChannelCredentials'];
    readonly channel_credentials_plugin?: readonly (Any)[];
    readonly call_credentials?: readonly (Messages['envoy.config.core.v3.GrpcService.GoogleGrpc.CallCredentials'])[];
    readonly call_credentials_plugin?: readonly (Any)[];
    readonly stat_prefix?: string;
    readonly credentials_factory_name?: string;
    readonly config?: { readonly [key: string]: unknown };
    readonly per_stream_buffer_limit_bytes?: number;
    readonly channel_args?: Messages['envoy.config.core.v3.GrpcService.GoogleGrpc.ChannelArgs'];
  };
  'envoy.config.core.v3.GrpcService.GoogleGrpc.CallCredentials': {
    readonly access_token?: string;
    readonly google_compute_engine?: Record<string, never>;
    readonly google_refresh_token?: string;
    readonly service_account_jwt_access?: Messages['envoy.config.core.v3.GrpcService.GoogleGrpc.CallCredentials.ServiceAccountJWTAccessCredentials'];
    readonly google_iam?: Messages['envoy.config.core.v3.GrpcService.GoogleGrpc.CallCredentials.GoogleIAMCredentials'];
    readonly from_plugin?: Messages['envoy.config.core.v3.GrpcService.GoogleGrpc.CallCredentials.MetadataCredentialsFromPlugin'];
    readonly sts_service?: Messages['envoy.config.core.v3.GrpcService.GoogleGrpc.CallCredentials.StsService'];
  };
  'envoy.config.core.v3.GrpcService.GoogleGrpc.CallCredentials.GoogleIAMCredentials': {
    readonly authorization_token?: string;
    readonly authority_selector?: string;
  };
  'envoy.config.core.v3.GrpcService.GoogleGrpc.CallCredentials.MetadataCredentialsFromPlugin': {
    readonly name?: string;
    readonly typed_config?: Any;
  };
  'envoy.config.core.v3.GrpcService.GoogleGrpc.CallCredentials.ServiceAccountJWTAccessCredentials': {
    readonly json_key?: string;
    readonly token_lifetime_seconds?: number;
  };
  'envoy.config.core.v3.GrpcService.GoogleGrpc.CallCredentials.StsService': {
    readonly token_exchange_service_uri?: string;
    readonly resource?: string;
    readonly audience?: string;
    readonly scope?: string;
    readonly requested_token_type?: string;
    readonly subject_token_path?: string;
    readonly subject_token_type?: string;
    readonly actor_token_path?: string;
    readonly actor_token_type?: string;
  };
  'envoy.config.core.v3.GrpcService.GoogleGrpc.ChannelArgs': {
    readonly args?: { readonly [key: string]: Messages['envoy.config.core.v3.GrpcService.GoogleGrpc.ChannelArgs.Value'] };
  };
  'envoy.config.core.v3.GrpcService.GoogleGrpc.ChannelArgs.Value': {
    readonly string_value?: string;
    readonly int_value?: number;
  };
  'envoy.config.core.v3.GrpcService.GoogleGrpc.ChannelCredentials': {
    readonly ssl_credentials?: Messages['envoy.config.core.v3.GrpcService.GoogleGrpc.SslCredentials'];
    readonly google_default?: Record<string, never>;
    readonly local_credentials?: Messages['envoy.config.core.v3.GrpcService.GoogleGrpc.GoogleLocalCredentials'];
  };
  'envoy.config.core.v3.GrpcService.GoogleGrpc.GoogleLocalCredentials': {
  };
  'envoy.config.core.v3.GrpcService.GoogleGrpc.SslCredentials': {
    readonly root_certs?: Messages['envoy.config.core.v3.DataSource'];
    readonly private_key?: Messages['envoy.config.core.v3.DataSource'];
    readonly cert_chain?: Messages['envoy.config.core.v3.DataSource'];
  };
  'envoy.config.core.v3.HeaderValue': {
    readonly key?: string;
    readonly value?: string;
    readonly raw_value?: string;
  };
  'envoy.config.core.v3.HeaderValueOption': {
    readonly header?: Messages['envoy.config.core.v3.HeaderValue'];
    readonly append_action?: 'APPEND_IF_EXISTS_OR_ADD' | 'ADD_IF_ABSENT' | 'OVERWRITE_IF_EXISTS_OR_ADD' | 'OVERWRITE_IF_EXISTS';
    readonly keep_empty_value?: boolean;
  };
  'envoy.config.core.v3.HealthCheck': {
    readonly timeout?: string;
    readonly interval?: string;
    readonly initial_jitter?: string;
    readonly interval_jitter?: string;
    readonly interval_jitter_percent?: number;
    readonly unhealthy_threshold?: number;
    readonly healthy_threshold?: number;
    readonly alt_port?: number;
    readonly reuse_connection?: boolean;
    readonly http_health_check?: Messages['envoy.config.core.v3.HealthCheck.HttpHealthCheck'];
    readonly tcp_health_check?: Messages['envoy.config.core.v3.HealthCheck.TcpHealthCheck'];
    readonly grpc_health_check?: Messages['envoy.config.core.v3.HealthCheck.GrpcHealthCheck'];
    readonly custom_health_check?: Messages['envoy.config.core.v3.HealthCheck.CustomHealthCheck'];
    readonly no_traffic_interval?: string;
    readonly no_traffic_healthy_interval?: string;
    readonly unhealthy_interval?: string;
    readonly unhealthy_edge_interval?: string;
    readonly healthy_edge_interval?: string;
    readonly event_logger?: readonly (Messages['envoy.config.core.v3.TypedExtensionConfig'])[];
    readonly event_service?: Messages['envoy.config.core.v3.EventServiceConfig'];
    readonly always_log_health_check_failures?: boolean;
    readonly always_log_health_check_success?: boolean;
    readonly tls_options?: Messages['envoy.config.core.v3.HealthCheck.TlsOptions'];
    readonly transport_socket_match_criteria?: { readonly [key: string]: unknown };
  };
  'envoy.config.core.v3.HealthCheck.CustomHealthCheck': {
    readonly name?: string;
    readonly typed_config?: Any;
  };
  'envoy.config.core.v3.HealthCheck.GrpcHealthCheck': {
    readonly service_name?: string;
    readonly authority?: string;
    readonly initial_metadata?: readonly (Messages['envoy.config.core.v3.HeaderValueOption'])[];
  };
  'envoy.config.core.v3.HealthCheck.HttpHealthCheck': {
    readonly host?: string;
    readonly path?: string;
    readonly send?: Messages['envoy.config.core.v3.HealthCheck.Payload'];
    readonly receive?: readonly (Messages['envoy.config.core.v3.HealthCheck.Payload'])[];
    readonly response_buffer_size?: number;
    readonly request_headers_to_add?: readonly (Messages['envoy.config.core.v3.HeaderValueOption'])[];
    readonly request_headers_to_remove?: readonly (string)[];
    readonly expected_statuses?: readonly (Messages['envoy.type.v3.Int64Range'])[];
    readonly retriable_statuses?: readonly (Messages['envoy.type.v3.Int64Range'])[];
    readonly codec_client_type?: 'HTTP1' | 'HTTP2' | 'HTTP3';
    readonly service_name_matcher?: Messages['envoy.type.matcher.v3.StringMatcher'];
    readonly method?: 'METHOD_UNSPECIFIED' | 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'CONNECT' | 'OPTIONS' | 'TRACE' | 'PATCH';
  };
  'envoy.config.core.v3.HealthCheck.Payload': {
    readonly text?: string;
    readonly binary?: string;
  };
  'envoy.config.core.v3.HealthCheck.TcpHealthCheck': {
    readonly send?: Messages['envoy.config.core.v3.HealthCheck.Payload'];
    readonly receive?: readonly (Messages['envoy.config.core.v3.HealthCheck.Payload'])[];
    readonly proxy_protocol_config?: Messages['envoy.config.core.v3.ProxyProtocolConfig'];
  };
  'envoy.config.core.v3.HealthCheck.TlsOptions': {
    readonly alpn_protocols?: readonly (string)[];
  };
  'envoy.config.core.v3.HealthStatusSet': {
    readonly statuses?: readonly ('UNKNOWN' | 'HEALTHY' | 'UNHEALTHY' | 'DRAINING' | 'TIMEOUT' | 'DEGRADED')[];
  };
  'envoy.config.core.v3.Http1ProtocolOptions': {
    readonly allow_absolute_url?: boolean;
    readonly accept_http_10?: boolean;
    readonly default_host_for_http_10?: string;
    readonly header_key_format?: Messages['envoy.config.core.v3.Http1ProtocolOptions.HeaderKeyFormat'];
    readonly enable_trailers?: boolean;
    readonly allow_chunked_length?: boolean;
    readonly override_stream_error_on_invalid_http_message?: boolean;
    readonly send_fully_qualified_url?: boolean;
    readonly allow_custom_methods?: boolean;
    readonly ignore_http_11_upgrade?: readonly (Messages['envoy.type.matcher.v3.StringMatcher'])[];
  };
  'envoy.config.core.v3.Http1ProtocolOptions.HeaderKeyFormat': {
    readonly proper_case_words?: Messages['envoy.config.core.v3.Http1ProtocolOptions.HeaderKeyFormat.ProperCaseWords'];
    readonly stateful_formatter?: Messages['envoy.config.core.v3.TypedExtensionConfig'];
  };
  'envoy.config.core.v3.Http1ProtocolOptions.HeaderKeyFormat.ProperCaseWords': {
  };
  'envoy.config.core.v3.Http2ProtocolOptions': {
    readonly hpack_table_size?: number;
    readonly max_concurrent_streams?: number;
    readonly initial_stream_window_size?: number;
    readonly initial_connection_window_size?: number;
    readonly allow_connect?: boolean;
    readonly allow_metadata?: boolean;
    readonly max_outbound_frames?: number;
    readonly max_outbound_control_frames?: number;
    readonly max_consecutive_inbound_frames_with_empty_payload?: number;
    readonly max_inbound_priority_frames_per_stream?: number;
    readonly max_inbound_window_update_frames_per_data_frame_sent?: number;
    readonly override_stream_error_on_invalid_http_message?: boolean;
    readonly custom_settings_parameters?: readonly (Messages['envoy.config.core.v3.Http2ProtocolOptions.SettingsParameter'])[];
    readonly connection_keepalive?: Messages['envoy.config.core.v3.KeepaliveSettings'];
    readonly use_oghttp2_codec?: boolean;
    readonly max_metadata_size?: number;
    readonly enable_huffman_encoding?: boolean;
    readonly max_header_field_size_kb?: number;
    readonly disallow_obs_text?: boolean;
    readonly stream_reset_burst?: number;
    readonly stream_reset_rate?: number;
  };
  'envoy.config.core.v3.Http2ProtocolOptions.SettingsParameter': {
    readonly identifier?: number;
    readonly value?: number;
  };
  'envoy.config.core.v3.Http3ProtocolOptions': {
    readonly quic_protocol_options?: Messages['envoy.config.core.v3.QuicProtocolOptions'];
    readonly override_stream_error_on_invalid_http_message?: boolean;
    readonly allow_extended_connect?: boolean;
    readonly allow_metadata?: boolean;
    readonly disable_qpack?: boolean;
    readonly disable_connection_flow_control_for_streams?: boolean;
    readonly disallow_obs_text?: boolean;
  };
  'envoy.config.core.v3.HttpProtocolOptions': {
    readonly idle_timeout?: string;
    readonly max_connection_duration?: string;
    readonly max_connection_duration_jitter?: Messages['envoy.type.v3.Percent'];
    readonly max_headers_count?: number;
    readonly max_response_headers_kb?: number;
    readonly max_stream_duration?: string;
    readonly headers_with_underscores_action?: 'ALLOW' | 'REJECT_REQUEST' | 'DROP_HEADER';
    readonly max_requests_per_connection?: number;
  };
  'envoy.config.core.v3.JsonFormatOptions': {
  };
  'envoy.config.core.v3.KeepaliveSettings': {
    readonly interval?: string;
    readonly timeout?: string;
    readonly interval_jitter?: Messages['envoy.type.v3.Percent'];
    readonly connection_idle_interval?: string;
  };
  'envoy.config.core.v3.KeyValueAppend': {
    readonly record?: Messages['envoy.config.core.v3.KeyValuePair'];
    readonly action?: 'APPEND_IF_EXISTS_OR_ADD' | 'ADD_IF_ABSENT' | 'OVERWRITE_IF_EXISTS_OR_ADD' | 'OVERWRITE_IF_EXISTS';
  };
  'envoy.config.core.v3.KeyValueMutation': {
    readonly append?: Messages['envoy.config.core.v3.KeyValueAppend'];
    readonly remove?: string;
  };
  'envoy.config.core.v3.KeyValuePair': {
    readonly key?: string;
    readonly value?: unknown;
  };
  'envoy.config.core.v3.Locality': {
    readonly region?: string;
    readonly zone?: string;
    readonly sub_zone?: string;
  };
  'envoy.config.core.v3.Metadata': {
    readonly filter_metadata?: { readonly [key: string]: { readonly [key: string]: unknown } };
    readonly typed_filter_metadata?: { readonly [key: string]: Any };
  };
  'envoy.config.core.v3.Node': {
    readonly id?: string;
    readonly cluster?: string;
    readonly metadata?: { readonly [key: string]: unknown };
    readonly dynamic_parameters?: { readonly [key: string]: Messages['xds.core.v3.ContextParams'] };
    readonly locality?: Messages['envoy.config.core.v3.Locality'];
    readonly user_agent_name?: string;
    readonly user_agent_version?: string;
    readonly user_agent_build_version?: Messages['envoy.config.core.v3.BuildVersion'];
    readonly extensions?: readonly (Messages['envoy.config.core.v3.Extension'])[];
    readonly client_features?: readonly (string)[];
  };
  'envoy.config.core.v3.PathConfigSource': {
    readonly path?: string;
    readonly watched_directory?: Messages['envoy.config.core.v3.WatchedDirectory'];
    readonly poll_interval?: string;
  };
  'envoy.config.core.v3.Pipe': {
    readonly path?: string;
    readonly mode?: number;
  };
  'envoy.config.core.v3.ProxyProtocolConfig': {
    readonly version?: 'V1' | 'V2';
    readonly pass_through_tlvs?: Messages['envoy.config.core.v3.ProxyProtocolPassThroughTLVs'];
    readonly added_tlvs?: readonly (Messages['envoy.config.core.v3.TlvEntry'])[];
  };
  'envoy.config.core.v3.ProxyProtocolPassThroughTLVs': {
    readonly match_type?: 'INCLUDE_ALL' | 'INCLUDE';
    readonly tlv_type?: readonly (number)[];
  };
  'envoy.config.core.v3.QuicKeepAliveSettings': {
    readonly max_interval?: string;
    readonly initial_interval?: string;
  };
  'envoy.config.core.v3.QuicProtocolOptions': {
    readonly max_concurrent_streams?: number;
    readonly initial_stream_window_size?: number;
    readonly initial_connection_window_size?: number;
    readonly num_timeouts_to_trigger_port_migration?: number;
    readonly connection_keepalive?: Messages['envoy.config.core.v3.QuicKeepAliveSettings'];
    readonly connection_options?: string;
    readonly client_connection_options?: string;
    readonly idle_network_timeout?: string;
    readonly max_packet_length?: number;
    readonly client_packet_writer?: Messages['envoy.config.core.v3.TypedExtensionConfig'];
    readonly connection_migration?: Messages['envoy.config.core.v3.QuicProtocolOptions.ConnectionMigrationSettings'];
    readonly memory_reduction_timeout?: string;
    readonly enable_scone?: boolean;
  };
  'envoy.config.core.v3.QuicProtocolOptions.ConnectionMigrationSettings': {
    readonly migrate_idle_connections?: Messages['envoy.config.core.v3.QuicProtocolOptions.ConnectionMigrationSettings.MigrateIdleConnectionSettings'];
    readonly max_time_on_non_default_network?: string;
  };
  'envoy.config.core.v3.QuicProtocolOptions.ConnectionMigrationSettings.MigrateIdleConnectionSettings': {
    readonly max_idle_time_before_migration?: string;
  };
  'envoy.config.core.v3.RateLimitSettings': {
    readonly max_tokens?: number;
    readonly fill_rate?: number;
  };
  'envoy.config.core.v3.RetryPolicy': {
    readonly retry_back_off?: Messages['envoy.config.core.v3.BackoffStrategy'];
    readonly num_retries?: number;
    readonly retry_on?: string;
    readonly retry_priority?: Messages['envoy.config.core.v3.RetryPolicy.RetryPriority'];
    readonly retry_host_predicate?: readonly (Messages['envoy.config.core.v3.RetryPolicy.RetryHostPredicate'])[];
    readonly host_selection_retry_max_attempts?: number;
  };
  'envoy.config.core.v3.RetryPolicy.RetryHostPredicate': {
    readonly name?: string;
    readonly typed_config?: Any;
  };
  'envoy.config.core.v3.RetryPolicy.RetryPriority': {
    readonly name?: string;
    readonly typed_config?: Any;
  };
  'envoy.config.core.v3.RuntimeDouble': {
    readonly default_value?: number;
    readonly runtime_key?: string;
  };
  'envoy.config.core.v3.RuntimeFeatureFlag': {
    readonly default_value?: boolean;
    readonly runtime_key?: string;
  };
  'envoy.config.core.v3.RuntimeFractionalPercent': {
    readonly default_value?: Messages['envoy.type.v3.FractionalPercent'];
    readonly runtime_key?: string;
  };
  'envoy.config.core.v3.RuntimeUInt32': {
    readonly default_value?: number;
    readonly runtime_key?: string;
  };
  'envoy.config.core.v3.RuntimeUInt64': {
    readonly default_value?: number;
    readonly runtime_key?: string;
  };
  'envoy.config.core.v3.SchemeHeaderTransformation': {
    readonly scheme_to_overwrite?: string;
    readonly match_upstream?: boolean;
  };
  'envoy.config.core.v3.SelfConfigSource': {
    readonly transport_api_version?: 'AUTO' | 'V2' | 'V3';
  };
  'envoy.config.core.v3.SocketAddress': {
    readonly protocol?: 'TCP' | 'UDP';
    readonly address?: string;
    readonly port_value?: number;
    readonly named_port?: string;
    readonly resolver_name?: string;
    readonly ipv4_compat?: boolean;
    readonly network_namespace_filepath?: string;
  };
  'envoy.config.core.v3.SocketCmsgHeaders': {
    readonly level?: number;
    readonly type?: number;
    readonly expected_size?: number;
  };
  'envoy.config.core.v3.SocketOption': {
    readonly description?: string;
    readonly level?: number;
    readonly name?: number;
    readonly int_value?: number;
    readonly buf_value?: string;
    readonly state?: 'STATE_PREBIND' | 'STATE_BOUND' | 'STATE_LISTENING';
    readonly type?: Messages['envoy.config.core.v3.SocketOption.SocketType'];
    readonly ip_version?: 'SOCKET_IP_VERSION_UNSPECIFIED' | 'SOCKET_IP_VERSION_IPV4' | 'SOCKET_IP_VERSION_IPV6';
  };
  'envoy.config.core.v3.SocketOption.SocketType': {
    readonly stream?: Messages['envoy.config.core.v3.SocketOption.SocketType.Stream'];
    readonly datagram?: Messages['envoy.config.core.v3.SocketOption.SocketType.Datagram'];
  };
  'envoy.config.core.v3.SocketOption.SocketType.Datagram': {
  };
  'envoy.config.core.v3.SocketOption.SocketType.Stream': {
  };
  'envoy.config.core.v3.SocketOptionsOverride': {
    readonly socket_options?: readonly (Messages['envoy.config.core.v3.SocketOption'])[];
  };
  'envoy.config.core.v3.SubstitutionFormatString': {
    readonly json_format?: { readonly [key: string]: unknown };
    readonly text_format_source?: Messages['envoy.config.core.v3.DataSource'];
    readonly omit_empty_values?: boolean;
    readonly content_type?: string;
    readonly formatters?: readonly (Messages['envoy.config.core.v3.TypedExtensionConfig'])[];
    readonly json_format_options?: Messages['envoy.config.core.v3.JsonFormatOptions'];
  };
  'envoy.config.core.v3.TcpKeepalive': {
    readonly keepalive_probes?: number;
    readonly keepalive_time?: number;
    readonly keepalive_interval?: number;
  };
  'envoy.config.core.v3.TlvEntry': {
    readonly type?: number;
    readonly value?: string;
    readonly format_string?: Messages['envoy.config.core.v3.SubstitutionFormatString'];
  };
  'envoy.config.core.v3.TransportSocket': {
    readonly name?: string;
    readonly typed_config?: Any;
  };
  'envoy.config.core.v3.TypedExtensionConfig': {
    readonly name?: string;
    readonly typed_config?: Any;
  };
  'envoy.config.core.v3.UdpSocketConfig': {
    readonly max_rx_datagram_size?: number;
    readonly prefer_gro?: boolean;
  };
  'envoy.config.core.v3.UpstreamHttpProtocolOptions': {
    readonly auto_sni?: boolean;
    readonly auto_san_validation?: boolean;
    readonly override_auto_sni_header?: string;
  };
  'envoy.config.core.v3.WatchedDirectory': {
    readonly path?: string;
    readonly watch_modify?: boolean;
  };
  'envoy.config.endpoint.v3.ClusterLoadAssignment': {
    readonly cluster_name?: string;
    readonly endpoints?: readonly (Messages['envoy.config.endpoint.v3.LocalityLbEndpoints'])[];
    readonly named_endpoints?: { readonly [key: string]: Messages['envoy.config.endpoint.v3.Endpoint'] };
    readonly policy?: Messages['envoy.config.endpoint.v3.ClusterLoadAssignment.Policy'];
  };
  'envoy.config.endpoint.v3.ClusterLoadAssignment.Policy': {
    readonly drop_overloads?: readonly (Messages['envoy.config.endpoint.v3.ClusterLoadAssignment.Policy.DropOverload'])[];
    readonly overprovisioning_factor?: number;
    readonly endpoint_stale_after?: string;
    readonly weighted_priority_health?: boolean;
  };
  'envoy.config.endpoint.v3.ClusterLoadAssignment.Policy.DropOverload': {
    readonly category?: string;
    readonly drop_percentage?: Messages['envoy.type.v3.FractionalPercent'];
  };
  'envoy.config.endpoint.v3.Endpoint': {
    readonly address?: Messages['envoy.config.core.v3.Address'];
    readonly health_check_config?: Messages['envoy.config.endpoint.v3.Endpoint.HealthCheckConfig'];
    readonly hostname?: string;
    readonly additional_addresses?: readonly (Messages['envoy.config.endpoint.v3.Endpoint.AdditionalAddress'])[];
    readonly observability_name?: string;
  };
  'envoy.config.endpoint.v3.Endpoint.AdditionalAddress': {
    readonly address?: Messages['envoy.config.core.v3.Address'];
  };
  'envoy.config.endpoint.v3.Endpoint.HealthCheckConfig': {
    readonly port_value?: number;
    readonly hostname?: string;
    readonly address?: Messages['envoy.config.core.v3.Address'];
    readonly disable_active_health_check?: boolean;
  };
  'envoy.config.endpoint.v3.LbEndpoint': {
    readonly endpoint?: Messages['envoy.config.endpoint.v3.Endpoint'];
    readonly endpoint_name?: string;
    readonly health_status?: 'UNKNOWN' | 'HEALTHY' | 'UNHEALTHY' | 'DRAINING' | 'TIMEOUT' | 'DEGRADED';
    readonly metadata?: Messages['envoy.config.core.v3.Metadata'];
    readonly load_balancing_weight?: number;
  };
  'envoy.config.endpoint.v3.LedsClusterLocalityConfig': {
    readonly leds_config?: Messages['envoy.config.core.v3.ConfigSource'];
    readonly leds_collection_name?: string;
  };
  'envoy.config.endpoint.v3.LocalityLbEndpoints': {
    readonly locality?: Messages['envoy.config.core.v3.Locality'];
    readonly metadata?: Messages['envoy.config.core.v3.Metadata'];
    readonly lb_endpoints?: readonly (Messages['envoy.config.endpoint.v3.LbEndpoint'])[];
    readonly leds_cluster_locality_config?: Messages['envoy.config.endpoint.v3.LedsClusterLocalityConfig'];
    readonly load_balancing_weight?: number;
    readonly priority?: number;
    readonly proximity?: number;
  };
  'envoy.config.listener.v3.AdditionalAddress': {
    readonly address?: Messages['envoy.config.core.v3.Address'];
    readonly socket_options?: Messages['envoy.config.core.v3.SocketOptionsOverride'];
    readonly tcp_keepalive?: Messages['envoy.config.core.v3.TcpKeepalive'];
  };
  'envoy.config.listener.v3.ApiListener': {
    readonly api_listener?: Any;
  };
  'envoy.config.listener.v3.Filter': {
    readonly name?: string;
    readonly typed_config?: Any;
    readonly config_discovery?: Messages['envoy.config.core.v3.ExtensionConfigSource'];
  };
  'envoy.config.listener.v3.FilterChain': {
    readonly filter_chain_match?: Messages['envoy.config.listener.v3.FilterChainMatch'];
    readonly filters?: readonly (Messages['envoy.config.listener.v3.Filter'])[];
    readonly metadata?: Messages['envoy.config.core.v3.Metadata'];
    readonly transport_socket?: Messages['envoy.config.core.v3.TransportSocket'];
    readonly transport_socket_connect_timeout?: string;
    readonly name?: string;
  };
  'envoy.config.listener.v3.FilterChainMatch': {
    readonly destination_port?: number;
    readonly prefix_ranges?: readonly (Messages['envoy.config.core.v3.CidrRange'])[];
    readonly address_suffix?: string;
    readonly suffix_len?: number;
    readonly direct_source_prefix_ranges?: readonly (Messages['envoy.config.core.v3.CidrRange'])[];
    readonly source_type?: 'ANY' | 'SAME_IP_OR_LOOPBACK' | 'EXTERNAL';
    readonly source_prefix_ranges?: readonly (Messages['envoy.config.core.v3.CidrRange'])[];
    readonly source_ports?: readonly (number)[];
    readonly server_names?: readonly (string)[];
    readonly transport_protocol?: string;
    readonly application_protocols?: readonly (string)[];
  };
  'envoy.config.listener.v3.Listener': {
    readonly name?: string;
    readonly address?: Messages['envoy.config.core.v3.Address'];
    readonly additional_addresses?: readonly (Messages['envoy.config.listener.v3.AdditionalAddress'])[];
    readonly stat_prefix?: string;
    readonly stats_matcher?: Messages['envoy.config.metrics.v3.StatsMatcher'];
    readonly filter_chains?: readonly (Messages['envoy.config.listener.v3.FilterChain'])[];
    readonly fcds_config?: Messages['envoy.config.listener.v3.Listener.FcdsConfig'];
    readonly filter_chain_matcher?: Messages['xds.type.matcher.v3.Matcher'];
    readonly use_original_dst?: boolean;
    readonly default_filter_chain?: Messages['envoy.config.listener.v3.FilterChain'];
    readonly per_connection_buffer_limit_bytes?: number;
    readonly per_connection_buffer_high_watermark_timeout?: string;
    readonly metadata?: Messages['envoy.config.core.v3.Metadata'];
    readonly drain_type?: 'DEFAULT' | 'MODIFY_ONLY';
    readonly listener_filters?: readonly (Messages['envoy.config.listener.v3.ListenerFilter'])[];
    readonly listener_filters_timeout?: string;
    readonly continue_on_listener_filters_timeout?: boolean;
    readonly transparent?: boolean;
    readonly freebind?: boolean;
    readonly socket_options?: readonly (Messages['envoy.config.core.v3.SocketOption'])[];
    readonly tcp_fast_open_queue_length?: number;
    readonly traffic_direction?: 'UNSPECIFIED' | 'INBOUND' | 'OUTBOUND';
    readonly udp_listener_config?: Messages['envoy.config.listener.v3.UdpListenerConfig'];
    readonly api_listener?: Messages['envoy.config.listener.v3.ApiListener'];
    readonly connection_balance_config?: Messages['envoy.config.listener.v3.Listener.ConnectionBalanceConfig'];
    readonly enable_reuse_port?: boolean;
    readonly access_log?: readonly (Messages['envoy.config.accesslog.v3.AccessLog'])[];
    readonly tcp_backlog_size?: number;
    readonly max_connections_to_accept_per_socket_event?: number;
    readonly bind_to_port?: boolean;
    readonly internal_listener?: Messages['envoy.config.listener.v3.Listener.InternalListenerConfig'];
    readonly enable_mptcp?: boolean;
    readonly ignore_global_conn_limit?: boolean;
    readonly bypass_overload_manager?: boolean;
    readonly tcp_keepalive?: Messages['envoy.config.core.v3.TcpKeepalive'];
  };
  'envoy.config.listener.v3.Listener.ConnectionBalanceConfig': {
    readonly exact_balance?: Messages['envoy.config.listener.v3.Listener.ConnectionBalanceConfig.ExactBalance'];
    readonly extend_balance?: Messages['envoy.config.core.v3.TypedExtensionConfig'];
    readonly cpu_locality_balance?: Messages['envoy.config.listener.v3.Listener.ConnectionBalanceConfig.CpuLocalityBalance'];
  };
  'envoy.config.listener.v3.Listener.ConnectionBalanceConfig.CpuLocalityBalance': {
  };
  'envoy.config.listener.v3.Listener.ConnectionBalanceConfig.ExactBalance': {
  };
  'envoy.config.listener.v3.Listener.FcdsConfig': {
    readonly name?: string;
    readonly config_source?: Messages['envoy.config.core.v3.ConfigSource'];
  };
  'envoy.config.listener.v3.Listener.InternalListenerConfig': {
  };
  'envoy.config.listener.v3.ListenerFilter': {
    readonly name?: string;
    readonly typed_config?: Any;
    readonly config_discovery?: Messages['envoy.config.core.v3.ExtensionConfigSource'];
    readonly filter_disabled?: Messages['envoy.config.listener.v3.ListenerFilterChainMatchPredicate'];
  };
  'envoy.config.listener.v3.ListenerFilterChainMatchPredicate': {
    readonly or_match?: Messages['envoy.config.listener.v3.ListenerFilterChainMatchPredicate.MatchSet'];
    readonly and_match?: Messages['envoy.config.listener.v3.ListenerFilterChainMatchPredicate.MatchSet'];
    readonly not_match?: Messages['envoy.config.listener.v3.ListenerFilterChainMatchPredicate'];
    readonly any_match?: boolean;
    readonly destination_port_range?: Messages['envoy.type.v3.Int32Range'];
  };
  'envoy.config.listener.v3.ListenerFilterChainMatchPredicate.MatchSet': {
    readonly rules?: readonly (Messages['envoy.config.listener.v3.ListenerFilterChainMatchPredicate'])[];
  };
  'envoy.config.listener.v3.QuicProtocolOptions': {
    readonly quic_protocol_options?: Messages['envoy.config.core.v3.QuicProtocolOptions'];
    readonly idle_timeout?: string;
    readonly crypto_handshake_timeout?: string;
    readonly enabled?: Messages['envoy.config.core.v3.RuntimeFeatureFlag'];
    readonly packets_to_read_to_connection_count_ratio?: number;
    readonly crypto_stream_config?: Messages['envoy.config.core.v3.TypedExtensionConfig'];
    readonly proof_source_config?: Messages['envoy.config.core.v3.TypedExtensionConfig'];
    readonly connection_id_generator_config?: Messages['envoy.config.core.v3.TypedExtensionConfig'];
    readonly server_preferred_address_config?: Messages['envoy.config.core.v3.TypedExtensionConfig'];
    readonly send_disable_active_migration?: boolean;
    readonly connection_debug_visitor_config?: Messages['envoy.config.core.v3.TypedExtensionConfig'];
    readonly save_cmsg_config?: readonly (Messages['envoy.config.core.v3.SocketCmsgHeaders'])[];
    readonly reject_new_connections?: boolean;
    readonly max_sessions_per_event_loop?: number;
  };
  'envoy.config.listener.v3.UdpListenerConfig': {
    readonly downstream_socket_config?: Messages['envoy.config.core.v3.UdpSocketConfig'];
    readonly quic_options?: Messages['envoy.config.listener.v3.QuicProtocolOptions'];
    readonly udp_packet_packet_writer_config?: Messages['envoy.config.core.v3.TypedExtensionConfig'];
  };
  'envoy.config.metrics.v3.HistogramBucketSettings': {
    readonly match?: Messages['envoy.type.matcher.v3.StringMatcher'];
    readonly buckets?: readonly (number)[];
    readonly bins?: number;
  };
  'envoy.config.metrics.v3.StatsConfig': {
    readonly stats_tags?: readonly (Messages['envoy.config.metrics.v3.TagSpecifier'])[];
    readonly use_all_default_tags?: boolean;
    readonly stats_matcher?: Messages['envoy.config.metrics.v3.StatsMatcher'];
    readonly histogram_bucket_settings?: readonly (Messages['envoy.config.metrics.v3.HistogramBucketSettings'])[];
    readonly allow_default_tag_overrides?: boolean;
  };
  'envoy.config.metrics.v3.StatsMatcher': {
    readonly reject_all?: boolean;
    readonly exclusion_list?: Messages['envoy.type.matcher.v3.ListStringMatcher'];
    readonly inclusion_list?: Messages['envoy.type.matcher.v3.ListStringMatcher'];
  };
  'envoy.config.metrics.v3.StatsSink': {
    readonly name?: string;
    readonly typed_config?: Any;
  };
  'envoy.config.metrics.v3.TagSpecifier': {
    readonly tag_name?: string;
    readonly regex?: string;
    readonly fixed_value?: string;
  };
  'envoy.config.overload.v3.BufferFactoryConfig': {
    readonly minimum_account_to_track_power_of_two?: number;
  };
  'envoy.config.overload.v3.LoadShedPoint': {
    readonly name?: string;
    readonly triggers?: readonly (Messages['envoy.config.overload.v3.Trigger'])[];
  };
  'envoy.config.overload.v3.OverloadAction': {
    readonly name?: string;
    readonly triggers?: readonly (Messages['envoy.config.overload.v3.Trigger'])[];
    readonly typed_config?: Any;
  };
  'envoy.config.overload.v3.OverloadManager': {
    readonly refresh_interval?: string;
    readonly resource_monitors?: readonly (Messages['envoy.config.overload.v3.ResourceMonitor'])[];
    readonly actions?: readonly (Messages['envoy.config.overload.v3.OverloadAction'])[];
    readonly loadshed_points?: readonly (Messages['envoy.config.overload.v3.LoadShedPoint'])[];
    readonly buffer_factory_config?: Messages['envoy.config.overload.v3.BufferFactoryConfig'];
  };
  'envoy.config.overload.v3.ResourceMonitor': {
    readonly name?: string;
    readonly typed_config?: Any;
  };
  'envoy.config.overload.v3.ScaledTrigger': {
    readonly scaling_threshold?: number;
    readonly saturation_threshold?: number;
  };
  'envoy.config.overload.v3.ThresholdTrigger': {
    readonly value?: number;
  };
  'envoy.config.overload.v3.Trigger': {
    readonly name?: string;
    readonly threshold?: Messages['envoy.config.overload.v3.ThresholdTrigger'];
    readonly scaled?: Messages['envoy.config.overload.v3.ScaledTrigger'];
  };
  'envoy.config.rbac.v3.Action': {
    readonly name?: string;
    readonly action?: 'ALLOW' | 'DENY' | 'LOG';
  };
  'envoy.config.rbac.v3.Permission': {
    readonly and_rules?: Messages['envoy.config.rbac.v3.Permission.Set'];
    readonly or_rules?: Messages['envoy.config.rbac.v3.Permission.Set'];
    readonly any?: boolean;
    readonly header?: Messages['envoy.config.route.v3.HeaderMatcher'];
    readonly url_path?: Messages['envoy.type.matcher.v3.PathMatcher'];
    readonly destination_ip?: Messages['envoy.config.core.v3.CidrRange'];
    readonly destination_port?: number;
    readonly destination_port_range?: Messages['envoy.type.v3.Int32Range'];
    readonly not_rule?: Messages['envoy.config.rbac.v3.Permission'];
    readonly requested_server_name?: Messages['envoy.type.matcher.v3.StringMatcher'];
    readonly matcher?: Messages['envoy.config.core.v3.TypedExtensionConfig'];
    readonly uri_template?: Messages['envoy.config.core.v3.TypedExtensionConfig'];
    readonly sourced_metadata?: Messages['envoy.config.rbac.v3.SourcedMetadata'];
  };
  'envoy.config.rbac.v3.Permission.Set': {
    readonly rules?: readonly (Messages['envoy.config.rbac.v3.Permission'])[];
  };
  'envoy.config.rbac.v3.Policy': {
    readonly permissions?: readonly (Messages['envoy.config.rbac.v3.Permission'])[];
    readonly principals?: readonly (Messages['envoy.config.rbac.v3.Principal'])[];
    readonly condition?: Messages['google.api.expr.v1alpha1.Expr'];
    readonly checked_condition?: Messages['google.api.expr.v1alpha1.CheckedExpr'];
    readonly cel_config?: Messages['envoy.config.core.v3.CelExpressionConfig'];
  };
  'envoy.config.rbac.v3.Principal': {
    readonly and_ids?: Messages['envoy.config.rbac.v3.Principal.Set'];
    readonly or_ids?: Messages['envoy.config.rbac.v3.Principal.Set'];
    readonly any?: boolean;
    readonly authenticated?: Messages['envoy.config.rbac.v3.Principal.Authenticated'];
    readonly direct_remote_ip?: Messages['envoy.config.core.v3.CidrRange'];
    readonly remote_ip?: Messages['envoy.config.core.v3.CidrRange'];
    readonly header?: Messages['envoy.config.route.v3.HeaderMatcher'];
    readonly url_path?: Messages['envoy.type.matcher.v3.PathMatcher'];
    readonly filter_state?: Messages['envoy.type.matcher.v3.FilterStateMatcher'];
    readonly not_id?: Messages['envoy.config.rbac.v3.Principal'];
    readonly sourced_metadata?: Messages['envoy.config.rbac.v3.SourcedMetadata'];
    readonly custom?: Messages['envoy.config.core.v3.TypedExtensionConfig'];
  };
  'envoy.config.rbac.v3.Principal.Authenticated': {
    readonly principal_name?: Messages['envoy.type.matcher.v3.StringMatcher'];
  };
  'envoy.config.rbac.v3.Principal.Set': {
    readonly ids?: readonly (Messages['envoy.config.rbac.v3.Principal'])[];
  };
  'envoy.config.rbac.v3.RBAC': {
    readonly action?: 'ALLOW' | 'DENY' | 'LOG';
    readonly policies?: { readonly [key: string]: Messages['envoy.config.rbac.v3.Policy'] };
    readonly audit_logging_options?: Messages['envoy.config.rbac.v3.RBAC.AuditLoggingOptions'];
  };
  'envoy.config.rbac.v3.RBAC.AuditLoggingOptions': {
    readonly audit_condition?: 'NONE' | 'ON_DENY' | 'ON_ALLOW' | 'ON_DENY_AND_ALLOW';
    readonly logger_configs?: readonly (Messages['envoy.config.rbac.v3.RBAC.AuditLoggingOptions.AuditLoggerConfig'])[];
  };
  'envoy.config.rbac.v3.RBAC.AuditLoggingOptions.AuditLoggerConfig': {
    readonly audit_logger?: Messages['envoy.config.core.v3.TypedExtensionConfig'];
    readonly is_optional?: boolean;
  };
  'envoy.config.rbac.v3.SourcedMetadata': {
    readonly metadata_matcher?: Messages['envoy.type.matcher.v3.MetadataMatcher'];
    readonly metadata_source?: 'DYNAMIC' | 'ROUTE';
  };
  'envoy.config.route.v3.ClusterSpecifierPlugin': {
    readonly extension?: Messages['envoy.config.core.v3.TypedExtensionConfig'];
    readonly is_optional?: boolean;
  };
  'envoy.config.route.v3.CookieMatcher': {
    readonly name?: string;
    readonly string_match?: Messages['envoy.type.matcher.v3.StringMatcher'];
    readonly invert_match?: boolean;
  };
  'envoy.config.route.v3.Decorator': {
    readonly operation?: string;
    readonly propagate?: boolean;
  };
  'envoy.config.route.v3.DirectResponseAction': {
    readonly status?: number;
    readonly body?: Messages['envoy.config.core.v3.DataSource'];
    readonly body_format?: Messages['envoy.config.core.v3.SubstitutionFormatString'];
  };
  'envoy.config.route.v3.FilterAction': {
    readonly action?: Any;
  };
  'envoy.config.route.v3.FilterConfig': {
    readonly config?: Any;
    readonly is_optional?: boolean;
    readonly disabled?: boolean;
  };
  'envoy.config.route.v3.HeaderMatcher': {
    readonly name?: string;
    readonly range_match?: Messages['envoy.type.v3.Int64Range'];
    readonly present_match?: boolean;
    readonly string_match?: Messages['envoy.type.matcher.v3.StringMatcher'];
    readonly invert_match?: boolean;
    readonly treat_missing_header_as_empty?: boolean;
  };
  'envoy.config.route.v3.HedgePolicy': {
    readonly initial_requests?: number;
    readonly additional_request_chance?: Messages['envoy.type.v3.FractionalPercent'];
    readonly hedge_on_per_try_timeout?: boolean;
  };
  'envoy.config.route.v3.InternalRedirectPolicy': {
    readonly max_internal_redirects?: number;
    readonly redirect_response_codes?: readonly (number)[];
    readonly predicates?: readonly (Messages['envoy.config.core.v3.TypedExtensionConfig'])[];
    readonly allow_cross_scheme_redirect?: boolean;
    readonly response_headers_to_copy?: readonly (string)[];
  };
  'envoy.config.route.v3.NonForwardingAction': {
  };
  'envoy.config.route.v3.QueryParameterMatcher': {
    readonly name?: string;
    readonly string_match?: Messages['envoy.type.matcher.v3.StringMatcher'];
    readonly present_match?: boolean;
  };
  'envoy.config.route.v3.RateLimit': {
    readonly stage?: number;
    readonly disable_key?: string;
    readonly actions?: readonly (Messages['envoy.config.route.v3.RateLimit.Action'])[];
    readonly limit?: Messages['envoy.config.route.v3.RateLimit.Override'];
    readonly hits_addend?: Messages['envoy.config.route.v3.RateLimit.HitsAddend'];
    readonly apply_on_stream_done?: boolean;
    readonly x_ratelimit_option?: 'UNSPECIFIED' | 'OFF' | 'DRAFT_VERSION_03';
  };
  'envoy.config.route.v3.RateLimit.Action': {
    readonly source_cluster?: Messages['envoy.config.route.v3.RateLimit.Action.SourceCluster'];
    readonly destination_cluster?: Messages['envoy.config.route.v3.RateLimit.Action.DestinationCluster'];
    readonly request_headers?: Messages['envoy.config.route.v3.RateLimit.Action.RequestHeaders'];
    readonly query_parameters?: Messages['envoy.config.route.v3.RateLimit.Action.QueryParameters'];
    readonly remote_address?: Messages['envoy.config.route.v3.RateLimit.Action.RemoteAddress'];
    readonly generic_key?: Messages['envoy.config.route.v3.RateLimit.Action.GenericKey'];
    readonly header_value_match?: Messages['envoy.config.route.v3.RateLimit.Action.HeaderValueMatch'];
    readonly metadata?: Messages['envoy.config.route.v3.RateLimit.Action.MetaData'];
    readonly extension?: Messages['envoy.config.core.v3.TypedExtensionConfig'];
    readonly masked_remote_address?: Messages['envoy.config.route.v3.RateLimit.Action.MaskedRemoteAddress'];
    readonly query_parameter_value_match?: Messages['envoy.config.route.v3.RateLimit.Action.QueryParameterValueMatch'];
    readonly remote_address_match?: Messages['envoy.config.route.v3.RateLimit.Action.RemoteAddressMatch'];
  };
  'envoy.config.route.v3.RateLimit.Action.DestinationCluster': {
  };
  'envoy.config.route.v3.RateLimit.Action.GenericKey': {
    readonly descriptor_value?: string;
    readonly default_value?: string;
    readonly descriptor_key?: string;
  };
  'envoy.config.route.v3.RateLimit.Action.HeaderValueMatch': {
    readonly descriptor_value?: string;
    readonly default_value?: string;
    readonly descriptor_key?: string;
    readonly expect_match?: boolean;
    readonly headers?: readonly (Messages['envoy.config.route.v3.HeaderMatcher'])[];
  };
  'envoy.config.route.v3.RateLimit.Action.MaskedRemoteAddress': {
    readonly v4_prefix_mask_len?: number;
    readonly v6_prefix_mask_len?: number;
  };
  'envoy.config.route.v3.RateLimit.Action.MetaData': {
    readonly descriptor_key?: string;
    readonly metadata_key?: Messages['envoy.type.metadata.v3.MetadataKey'];
    readonly default_value?: string;
    readonly source?: 'DYNAMIC' | 'ROUTE_ENTRY' | 'CLUSTER_ENTRY' | 'CLUSTER_LOCALITY_ENTRY';
    readonly skip_if_absent?: boolean;
  };
  'envoy.config.route.v3.RateLimit.Action.QueryParameterValueMatch': {
    readonly descriptor_value?: string;
    readonly default_value?: string;
    readonly descriptor_key?: string;
    readonly expect_match?: boolean;
    readonly query_parameters?: readonly (Messages['envoy.config.route.v3.QueryParameterMatcher'])[];
  };
  'envoy.config.route.v3.RateLimit.Action.QueryParameters': {
    readonly query_parameter_name?: string;
    readonly descriptor_key?: string;
    readonly skip_if_absent?: boolean;
  };
  'envoy.config.route.v3.RateLimit.Action.RemoteAddress': {
  };
  'envoy.config.route.v3.RateLimit.Action.RemoteAddressMatch': {
    readonly descriptor_value?: string;
    readonly descriptor_key?: string;
    readonly default_value?: string;
    readonly address_matcher?: Messages['envoy.type.matcher.v3.AddressMatcher'];
  };
  'envoy.config.route.v3.RateLimit.Action.RequestHeaders': {
    readonly header_name?: string;
    readonly descriptor_key?: string;
    readonly skip_if_absent?: boolean;
  };
  'envoy.config.route.v3.RateLimit.Action.SourceCluster': {
  };
  'envoy.config.route.v3.RateLimit.HitsAddend': {
    readonly number?: number;
    readonly format?: string;
    readonly is_negative_hits?: boolean;
  };
  'envoy.config.route.v3.RateLimit.Override': {
    readonly dynamic_metadata?: Messages['envoy.config.route.v3.RateLimit.Override.DynamicMetadata'];
    readonly rate_limit?: Messages['envoy.config.route.v3.RateLimit.Override.RateLimitOverride'];
  };
  'envoy.config.route.v3.RateLimit.Override.DynamicMetadata': {
    readonly metadata_key?: Messages['envoy.type.metadata.v3.MetadataKey'];
  };
  'envoy.config.route.v3.RateLimit.Override.RateLimitOverride': {
    readonly requests_per_unit?: number;
    readonly unit?: 'UNKNOWN' | 'SECOND' | 'MINUTE' | 'HOUR' | 'DAY' | 'MONTH' | 'YEAR';
  };
  'envoy.config.route.v3.RedirectAction': {
    readonly https_redirect?: boolean;
    readonly scheme_redirect?: string;
    readonly host_redirect?: string;
    readonly port_redirect?: number;
    readonly path_redirect?: string;
    readonly prefix_rewrite?: string;
    readonly regex_rewrite?: Messages['envoy.type.matcher.v3.RegexMatchAndSubstitute'];
    readonly path_rewrite?: string;
    readonly response_code?: 'MOVED_PERMANENTLY' | 'FOUND' | 'SEE_OTHER' | 'TEMPORARY_REDIRECT' | 'PERMANENT_REDIRECT';
    readonly strip_query?: boolean;
  };
  'envoy.config.route.v3.RetryPolicy': {
    readonly retry_on?: string;
    readonly num_retries?: number;
    readonly per_try_timeout?: string;
    readonly per_try_idle_timeout?: string;
    readonly retry_priority?: Messages['envoy.config.route.v3.RetryPolicy.RetryPriority'];
    readonly retry_host_predicate?: readonly (Messages['envoy.config.route.v3.RetryPolicy.RetryHostPredicate'])[];
    readonly retry_options_predicates?: readonly (Messages['envoy.config.core.v3.TypedExtensionConfig'])[];
    readonly host_selection_retry_max_attempts?: number;
    readonly retriable_status_codes?: readonly (number)[];
    readonly retry_back_off?: Messages['envoy.config.route.v3.RetryPolicy.RetryBackOff'];
    readonly rate_limited_retry_back_off?: Messages['envoy.config.route.v3.RetryPolicy.RateLimitedRetryBackOff'];
    readonly retriable_headers?: readonly (Messages['envoy.config.route.v3.HeaderMatcher'])[];
    readonly retriable_request_headers?: readonly (Messages['envoy.config.route.v3.HeaderMatcher'])[];
    readonly refresh_cluster_on_retry?: boolean;
  };
  'envoy.config.route.v3.RetryPolicy.RateLimitedRetryBackOff': {
    readonly reset_headers?: readonly (Messages['envoy.config.route.v3.RetryPolicy.ResetHeader'])[];
    readonly max_interval?: string;
  };
  'envoy.config.route.v3.RetryPolicy.ResetHeader': {
    readonly name?: string;
    readonly format?: 'SECONDS' | 'UNIX_TIMESTAMP';
  };
  'envoy.config.route.v3.RetryPolicy.RetryBackOff': {
    readonly base_interval?: string;
    readonly max_interval?: string;
  };
  'envoy.config.route.v3.RetryPolicy.RetryHostPredicate': {
    readonly name?: string;
    readonly typed_config?: Any;
  };
  'envoy.config.route.v3.RetryPolicy.RetryPriority': {
    readonly name?: string;
    readonly typed_config?: Any;
  };
  'envoy.config.route.v3.Route': {
    readonly name?: string;
    readonly match?: Messages['envoy.config.route.v3.RouteMatch'];
    readonly route?: Messages['envoy.config.route.v3.RouteAction'];
    readonly redirect?: Messages['envoy.config.route.v3.RedirectAction'];
    readonly direct_response?: Messages['envoy.config.route.v3.DirectResponseAction'];
    readonly filter_action?: Messages['envoy.config.route.v3.FilterAction'];
    readonly non_forwarding_action?: Messages['envoy.config.route.v3.NonForwardingAction'];
    readonly metadata?: Messages['envoy.config.core.v3.Metadata'];
    readonly decorator?: Messages['envoy.config.route.v3.Decorator'];
    readonly typed_per_filter_config?: { readonly [key: string]: Any };
    readonly request_headers_to_add?: readonly (Messages['envoy.config.core.v3.HeaderValueOption'])[];
    readonly request_headers_to_remove?: readonly (string)[];
    readonly response_headers_to_add?: readonly (Messages['envoy.config.core.v3.HeaderValueOption'])[];
    readonly response_headers_to_remove?: readonly (string)[];
    readonly tracing?: Messages['envoy.config.route.v3.Tracing'];
    readonly stat_prefix?: string;
    readonly request_body_buffer_limit?: number;
    readonly route_specifiers?: readonly (Messages['envoy.config.core.v3.TypedExtensionConfig'])[];
  };
  'envoy.config.route.v3.RouteAction': {
    readonly cluster?: string;
    readonly cluster_header?: string;
    readonly weighted_clusters?: Messages['envoy.config.route.v3.WeightedCluster'];
    readonly cluster_specifier_plugin?: string;
    readonly inline_cluster_specifier_plugin?: Messages['envoy.config.route.v3.ClusterSpecifierPlugin'];
    readonly cluster_not_found_response_code?: 'SERVICE_UNAVAILABLE' | 'NOT_FOUND' | 'INTERNAL_SERVER_ERROR';
    readonly metadata_match?: Messages['envoy.config.core.v3.Metadata'];
    readonly prefix_rewrite?: string;
    readonly regex_rewrite?: Messages['envoy.type.matcher.v3.RegexMatchAndSubstitute'];
    readonly path_rewrite_policy?: Messages['envoy.config.core.v3.TypedExtensionConfig'];
    readonly path_rewrite?: string;
    readonly host_rewrite_literal?: string;
    readonly auto_host_rewrite?: boolean;
    readonly host_rewrite_header?: string;
    readonly host_rewrite_path_regex?: Messages['envoy.type.matcher.v3.RegexMatchAndSubstitute'];
    readonly host_rewrite?: string;
    readonly append_x_forwarded_host?: boolean;
    readonly timeout?: string;
    readonly idle_timeout?: string;
    readonly flush_timeout?: string;
    readonly early_data_policy?: Messages['envoy.config.core.v3.TypedExtensionConfig'];
    readonly retry_policy?: Messages['envoy.config.route.v3.RetryPolicy'];
    readonly retry_policy_typed_config?: Any;
    readonly request_mirror_policies?: readonly (Messages['envoy.config.route.v3.RouteAction.RequestMirrorPolicy'])[];
    readonly priority?: 'DEFAULT' | 'HIGH';
    readonly rate_limits?: readonly (Messages['envoy.config.route.v3.RateLimit'])[];
    readonly hash_policy?: readonly (Messages['envoy.config.route.v3.RouteAction.HashPolicy'])[];
    readonly upgrade_configs?: readonly (Messages['envoy.config.route.v3.RouteAction.UpgradeConfig'])[];
    readonly internal_redirect_policy?: Messages['envoy.config.route.v3.InternalRedirectPolicy'];
    readonly hedge_policy?: Messages['envoy.config.route.v3.HedgePolicy'];
    readonly max_stream_duration?: Messages['envoy.config.route.v3.RouteAction.MaxStreamDuration'];
  };
  'envoy.config.route.v3.RouteAction.HashPolicy': {
    readonly header?: Messages['envoy.config.route.v3.RouteAction.HashPolicy.Header'];
    readonly cookie?: Messages['envoy.config.route.v3.RouteAction.HashPolicy.Cookie'];
    readonly connection_properties?: Messages['envoy.config.route.v3.RouteAction.HashPolicy.ConnectionProperties'];
    readonly query_parameter?: Messages['envoy.config.route.v3.RouteAction.HashPolicy.QueryParameter'];
    readonly filter_state?: Messages['envoy.config.route.v3.RouteAction.HashPolicy.FilterState'];
    readonly terminal?: boolean;
  };
  'envoy.config.route.v3.RouteAction.HashPolicy.ConnectionProperties': {
    readonly source_ip?: boolean;
  };
  'envoy.config.route.v3.RouteAction.HashPolicy.Cookie': {
    readonly name?: string;
    readonly ttl?: string;
    readonly path?: string;
    readonly attributes?: readonly (Messages['envoy.config.route.v3.RouteAction.HashPolicy.CookieAttribute'])[];
  };
  'envoy.config.route.v3.RouteAction.HashPolicy.CookieAttribute': {
    readonly name?: string;
    readonly value?: string;
  };
  'envoy.config.route.v3.RouteAction.HashPolicy.FilterState': {
    readonly key?: string;
  };
  'envoy.config.route.v3.RouteAction.HashPolicy.Header': {
    readonly header_name?: string;
    readonly regex_rewrite?: Messages['envoy.type.matcher.v3.RegexMatchAndSubstitute'];
  };
  'envoy.config.route.v3.RouteAction.HashPolicy.QueryParameter': {
    readonly name?: string;
  };
  'envoy.config.route.v3.RouteAction.MaxStreamDuration': {
    readonly max_stream_duration?: string;
    readonly grpc_timeout_header_max?: string;
    readonly grpc_timeout_header_offset?: string;
  };
  'envoy.config.route.v3.RouteAction.RequestMirrorPolicy': {
    readonly cluster?: string;
    readonly cluster_header?: string;
    readonly runtime_fraction?: Messages['envoy.config.core.v3.RuntimeFractionalPercent'];
    readonly trace_sampled?: boolean;
    readonly disable_shadow_host_suffix_append?: boolean;
    readonly request_headers_mutations?: readonly (Messages['envoy.config.common.mutation_rules.v3.HeaderMutation'])[];
    readonly host_rewrite_literal?: string;
  };
  'envoy.config.route.v3.RouteAction.UpgradeConfig': {
    readonly upgrade_type?: string;
    readonly enabled?: boolean;
    readonly connect_config?: Messages['envoy.config.route.v3.RouteAction.UpgradeConfig.ConnectConfig'];
  };
  'envoy.config.route.v3.RouteAction.UpgradeConfig.ConnectConfig': {
    readonly proxy_protocol_config?: Messages['envoy.config.core.v3.ProxyProtocolConfig'];
    readonly allow_post?: boolean;
  };
  'envoy.config.route.v3.RouteConfiguration': {
    readonly name?: string;
    readonly virtual_hosts?: readonly (Messages['envoy.config.route.v3.VirtualHost'])[];
    readonly vhds?: Messages['envoy.config.route.v3.Vhds'];
    readonly internal_only_headers?: readonly (string)[];
    readonly response_headers_to_add?: readonly (Messages['envoy.config.core.v3.HeaderValueOption'])[];
    readonly response_headers_to_remove?: readonly (string)[];
    readonly request_headers_to_add?: readonly (Messages['envoy.config.core.v3.HeaderValueOption'])[];
    readonly request_headers_to_remove?: readonly (string)[];
    readonly most_specific_header_mutations_wins?: boolean;
    readonly validate_clusters?: boolean;
    readonly max_direct_response_body_size_bytes?: number;
    readonly cluster_specifier_plugins?: readonly (Messages['envoy.config.route.v3.ClusterSpecifierPlugin'])[];
    readonly request_mirror_policies?: readonly (Messages['envoy.config.route.v3.RouteAction.RequestMirrorPolicy'])[];
    readonly ignore_port_in_host_matching?: boolean;
    readonly vhost_header?: string;
    readonly ignore_path_parameters_in_path_matching?: boolean;
    readonly typed_per_filter_config?: { readonly [key: string]: Any };
    readonly metadata?: Messages['envoy.config.core.v3.Metadata'];
    readonly route_specifiers?: readonly (Messages['envoy.config.core.v3.TypedExtensionConfig'])[];
  };
  'envoy.config.route.v3.RouteMatch': {
    readonly prefix?: string;
    readonly path?: string;
    readonly safe_regex?: Messages['envoy.type.matcher.v3.RegexMatcher'];
    readonly connect_matcher?: Messages['envoy.config.route.v3.RouteMatch.ConnectMatcher'];
    readonly path_separated_prefix?: string;
    readonly path_match_policy?: Messages['envoy.config.core.v3.TypedExtensionConfig'];
    readonly case_sensitive?: boolean;
    readonly runtime_fraction?: Messages['envoy.config.core.v3.RuntimeFractionalPercent'];
    readonly headers?: readonly (Messages['envoy.config.route.v3.HeaderMatcher'])[];
    readonly query_parameters?: readonly (Messages['envoy.config.route.v3.QueryParameterMatcher'])[];
    readonly cookies?: readonly (Messages['envoy.config.route.v3.CookieMatcher'])[];
    readonly grpc?: Messages['envoy.config.route.v3.RouteMatch.GrpcRouteMatchOptions'];
    readonly tls_context?: Messages['envoy.config.route.v3.RouteMatch.TlsContextMatchOptions'];
    readonly dynamic_metadata?: readonly (Messages['envoy.type.matcher.v3.MetadataMatcher'])[];
    readonly filter_state?: readonly (Messages['envoy.type.matcher.v3.FilterStateMatcher'])[];
  };
  'envoy.config.route.v3.RouteMatch.ConnectMatcher': {
  };
  'envoy.config.route.v3.RouteMatch.GrpcRouteMatchOptions': {
  };
  'envoy.config.route.v3.RouteMatch.TlsContextMatchOptions': {
    readonly presented?: boolean;
    readonly validated?: boolean;
  };
  'envoy.config.route.v3.ScopedRouteConfiguration': {
    readonly on_demand?: boolean;
    readonly name?: string;
    readonly route_configuration_name?: string;
    readonly route_configuration?: Messages['envoy.config.route.v3.RouteConfiguration'];
    readonly key?: Messages['envoy.config.route.v3.ScopedRouteConfiguration.Key'];
  };
  'envoy.config.route.v3.ScopedRouteConfiguration.Key': {
    readonly fragments?: readonly (Messages['envoy.config.route.v3.ScopedRouteConfiguration.Key.Fragment'])[];
  };
  'envoy.config.route.v3.ScopedRouteConfiguration.Key.Fragment': {
    readonly string_key?: string;
  };
  'envoy.config.route.v3.Tracing': {
    readonly client_sampling?: Messages['envoy.type.v3.FractionalPercent'];
    readonly random_sampling?: Messages['envoy.type.v3.FractionalPercent'];
    readonly overall_sampling?: Messages['envoy.type.v3.FractionalPercent'];
    readonly custom_tags?: readonly (Messages['envoy.type.tracing.v3.CustomTag'])[];
    readonly operation?: string;
    readonly upstream_operation?: string;
  };
  'envoy.config.route.v3.Vhds': {
    readonly config_source?: Messages['envoy.config.core.v3.ConfigSource'];
  };
  'envoy.config.route.v3.VirtualCluster': {
    readonly headers?: readonly (Messages['envoy.config.route.v3.HeaderMatcher'])[];
    readonly name?: string;
  };
  'envoy.config.route.v3.VirtualHost': {
    readonly name?: string;
    readonly domains?: readonly (string)[];
    readonly routes?: readonly (Messages['envoy.config.route.v3.Route'])[];
    readonly matcher?: Messages['xds.type.matcher.v3.Matcher'];
    readonly require_tls?: 'NONE' | 'EXTERNAL_ONLY' | 'ALL';
    readonly virtual_clusters?: readonly (Messages['envoy.config.route.v3.VirtualCluster'])[];
    readonly rate_limits?: readonly (Messages['envoy.config.route.v3.RateLimit'])[];
    readonly request_headers_to_add?: readonly (Messages['envoy.config.core.v3.HeaderValueOption'])[];
    readonly request_headers_to_remove?: readonly (string)[];
    readonly response_headers_to_add?: readonly (Messages['envoy.config.core.v3.HeaderValueOption'])[];
    readonly response_headers_to_remove?: readonly (string)[];
    readonly typed_per_filter_config?: { readonly [key: string]: Any };
    readonly include_request_attempt_count?: boolean;
    readonly include_attempt_count_in_response?: boolean;
    readonly retry_policy?: Messages['envoy.config.route.v3.RetryPolicy'];
    readonly retry_policy_typed_config?: Any;
    readonly hedge_policy?: Messages['envoy.config.route.v3.HedgePolicy'];
    readonly include_is_timeout_retry_header?: boolean;
    readonly request_body_buffer_limit?: number;
    readonly request_mirror_policies?: readonly (Messages['envoy.config.route.v3.RouteAction.RequestMirrorPolicy'])[];
    readonly metadata?: Messages['envoy.config.core.v3.Metadata'];
    readonly route_specifiers?: readonly (Messages['envoy.config.core.v3.TypedExtensionConfig'])[];
  };
  'envoy.config.route.v3.WeightedCluster': {
    readonly clusters?: readonly (Messages['envoy.config.route.v3.WeightedCluster.ClusterWeight'])[];
    readonly runtime_key_prefix?: string;
    readonly header_name?: string;
    readonly use_hash_policy?: boolean;
  };
  'envoy.config.route.v3.WeightedCluster.ClusterWeight': {
    readonly name?: string;
    readonly cluster_header?: string;
    readonly weight?: number;
    readonly metadata_match?: Messages['envoy.config.core.v3.Metadata'];
    readonly request_headers_to_add?: readonly (Messages['envoy.config.core.v3.HeaderValueOption'])[];
    readonly request_headers_to_remove?: readonly (string)[];
    readonly response_headers_to_add?: readonly (Messages['envoy.config.core.v3.HeaderValueOption'])[];
    readonly response_headers_to_remove?: readonly (string)[];
    readonly typed_per_filter_config?: { readonly [key: string]: Any };
    readonly host_rewrite_literal?: string;
  };
  'envoy.config.trace.v3.Tracing.Http': {
    readonly name?: string;
    readonly typed_config?: Any;
  };
  'envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter': {
    readonly expression?: string;
    readonly cel_config?: Messages['envoy.config.core.v3.CelExpressionConfig'];
  };
  'envoy.extensions.access_loggers.grpc.v3.CommonGrpcAccessLogConfig': {
    readonly log_name?: string;
    readonly grpc_service?: Messages['envoy.config.core.v3.GrpcService'];
    readonly transport_api_version?: 'AUTO' | 'V2' | 'V3';
    readonly buffer_flush_interval?: string;
    readonly buffer_size_bytes?: number;
    readonly filter_state_objects_to_log?: readonly (string)[];
    readonly grpc_stream_retry_policy?: Messages['envoy.config.core.v3.RetryPolicy'];
    readonly custom_tags?: readonly (Messages['envoy.type.tracing.v3.CustomTag'])[];
  };
  'envoy.extensions.access_loggers.grpc.v3.TcpGrpcAccessLogConfig': {
    readonly common_config?: Messages['envoy.extensions.access_loggers.grpc.v3.CommonGrpcAccessLogConfig'];
  };
  'envoy.extensions.access_loggers.stats.v3.Config': {
    readonly stats_scope?: Messages['envoy.type.v3.Scope'];
    readonly histograms?: readonly (Messages['envoy.extensions.access_loggers.stats.v3.Config.Histogram'])[];
    readonly counters?: readonly (Messages['envoy.extensions.access_loggers.stats.v3.Config.Counter'])[];
    readonly gauges?: readonly (Messages['envoy.extensions.access_loggers.stats.v3.Config.Gauge'])[];
  };
  'envoy.extensions.access_loggers.stats.v3.Config.Counter': {
    readonly stat?: Messages['envoy.extensions.access_loggers.stats.v3.Config.Stat'];
    readonly value_format?: string;
    readonly value_fixed?: number;
  };
  'envoy.extensions.access_loggers.stats.v3.Config.Gauge': {
    readonly stat?: Messages['envoy.extensions.access_loggers.stats.v3.Config.Stat'];
    readonly value_format?: string;
    readonly value_fixed?: number;
    readonly add_subtract?: Messages['envoy.extensions.access_loggers.stats.v3.Config.Gauge.PairedAddSubtract'];
    readonly set?: Messages['envoy.extensions.access_loggers.stats.v3.Config.Gauge.Set'];
  };
  'envoy.extensions.access_loggers.stats.v3.Config.Gauge.PairedAddSubtract': {
    readonly add_log_type?: 'NotSet' | 'TcpUpstreamConnected' | 'TcpPeriodic' | 'TcpConnectionStart' | 'TcpConnectionEnd' | 'DownstreamStart' | 'DownstreamPeriodic' | 'DownstreamEnd' | 'UpstreamPoolReady' | 'UpstreamPeriodic' | 'UpstreamEnd' | 'DownstreamTunnelSuccessfullyEstablished' | 'UdpTunnelUpstreamConnected' | 'UdpPeriodic' | 'UdpSessionEnd';
    readonly sub_log_type?: 'NotSet' | 'TcpUpstreamConnected' | 'TcpPeriodic' | 'TcpConnectionStart' | 'TcpConnectionEnd' | 'DownstreamStart' | 'DownstreamPeriodic' | 'DownstreamEnd' | 'UpstreamPoolReady' | 'UpstreamPeriodic' | 'UpstreamEnd' | 'DownstreamTunnelSuccessfullyEstablished' | 'UdpTunnelUpstreamConnected' | 'UdpPeriodic' | 'UdpSessionEnd';
  };
  'envoy.extensions.access_loggers.stats.v3.Config.Gauge.Set': {
    readonly log_type?: 'NotSet' | 'TcpUpstreamConnected' | 'TcpPeriodic' | 'TcpConnectionStart' | 'TcpConnectionEnd' | 'DownstreamStart' | 'DownstreamPeriodic' | 'DownstreamEnd' | 'UpstreamPoolReady' | 'UpstreamPeriodic' | 'UpstreamEnd' | 'DownstreamTunnelSuccessfullyEstablished' | 'UdpTunnelUpstreamConnected' | 'UdpPeriodic' | 'UdpSessionEnd';
  };
  'envoy.extensions.access_loggers.stats.v3.Config.Histogram': {
    readonly stat?: Messages['envoy.extensions.access_loggers.stats.v3.Config.Stat'];
    readonly unit?: 'Unspecified' | 'Bytes' | 'Microseconds' | 'Milliseconds' | 'Percent';
    readonly value_format?: string;
  };
  'envoy.extensions.access_loggers.stats.v3.Config.Stat': {
    readonly name?: string;
    readonly tags?: readonly (Messages['envoy.extensions.access_loggers.stats.v3.Config.Tag'])[];
  };
  'envoy.extensions.access_loggers.stats.v3.Config.Tag': {
    readonly name?: string;
    readonly value_format?: string;
    readonly rules?: Messages['xds.type.matcher.v3.Matcher'];
  };
  'envoy.extensions.access_loggers.stream.v3.StdoutAccessLog': {
    readonly log_format?: Messages['envoy.config.core.v3.SubstitutionFormatString'];
  };
  'envoy.extensions.common.matching.v3.ExtensionWithMatcher': {
    readonly xds_matcher?: Messages['xds.type.matcher.v3.Matcher'];
    readonly extension_config?: Messages['envoy.config.core.v3.TypedExtensionConfig'];
  };
  'envoy.extensions.common.ratelimit.v3.LocalClusterRateLimit': {
  };
  'envoy.extensions.common.ratelimit.v3.LocalRateLimitDescriptor': {
    readonly entries?: readonly (Messages['envoy.extensions.common.ratelimit.v3.RateLimitDescriptor.Entry'])[];
    readonly token_bucket?: Messages['envoy.type.v3.TokenBucket'];
    readonly shadow_mode?: boolean;
  };
  'envoy.extensions.common.ratelimit.v3.RateLimitDescriptor.Entry': {
    readonly key?: string;
    readonly value?: string;
  };
  'envoy.extensions.filters.common.matcher.action.v3.SkipFilter': {
  };
  'envoy.extensions.filters.common.set_filter_state.v3.FilterStateValue': {
    readonly object_key?: string;
    readonly factory_key?: string;
    readonly format_string?: Messages['envoy.config.core.v3.SubstitutionFormatString'];
    readonly shared_with_upstream?: 'NONE' | 'ONCE' | 'TRANSITIVE';
    readonly skip_if_empty?: boolean;
  };
  'envoy.extensions.filters.http.adaptive_concurrency.v3.AdaptiveConcurrency': {
    readonly gradient_controller_config?: Messages['envoy.extensions.filters.http.adaptive_concurrency.v3.GradientControllerConfig'];
    readonly enabled?: Messages['envoy.config.core.v3.RuntimeFeatureFlag'];
    readonly concurrency_limit_exceeded_status?: Messages['envoy.type.v3.HttpStatus'];
  };
  'envoy.extensions.filters.http.adaptive_concurrency.v3.GradientControllerConfig': {
    readonly sample_aggregate_percentile?: Messages['envoy.type.v3.Percent'];
    readonly concurrency_limit_params?: Messages['envoy.extensions.filters.http.adaptive_concurrency.v3.GradientControllerConfig.ConcurrencyLimitCalculationParams'];
    readonly min_rtt_calc_params?: Messages['envoy.extensions.filters.http.adaptive_concurrency.v3.GradientControllerConfig.MinimumRTTCalculationParams'];
  };
  'envoy.extensions.filters.http.adaptive_concurrency.v3.GradientControllerConfig.ConcurrencyLimitCalculationParams': {
    readonly max_concurrency_limit?: number;
    readonly concurrency_update_interval?: string;
    readonly min_concurrency_limit?: number;
  };
  'envoy.extensions.filters.http.adaptive_concurrency.v3.GradientControllerConfig.MinimumRTTCalculationParams': {
    readonly interval?: string;
    readonly fixed_value?: string;
    readonly request_count?: number;
    readonly jitter?: Messages['envoy.type.v3.Percent'];
    readonly min_concurrency?: number;
    readonly buffer?: Messages['envoy.type.v3.Percent'];
  };
  'envoy.extensions.filters.http.body_size_limit.v3.BodySizeLimit': {
    readonly max_request_bytes?: number;
  };
  'envoy.extensions.filters.http.buffer.v3.Buffer': {
    readonly max_request_bytes?: number;
  };
  'envoy.extensions.filters.http.buffer.v3.BufferPerRoute': {
    readonly disabled?: boolean;
    readonly buffer?: Messages['envoy.extensions.filters.http.buffer.v3.Buffer'];
  };
  'envoy.extensions.filters.http.filter_chain.v3.FilterChain': {
    readonly filters?: readonly (Messages['envoy.config.core.v3.TypedExtensionConfig'])[];
  };
  'envoy.extensions.filters.http.filter_chain.v3.FilterChainConfig': {
    readonly default_filter_chain?: Messages['envoy.extensions.filters.http.filter_chain.v3.FilterChain'];
  };
  'envoy.extensions.filters.http.filter_chain.v3.FilterChainConfigPerRoute': {
    readonly filter_chain?: Messages['envoy.extensions.filters.http.filter_chain.v3.FilterChain'];
  };
  'envoy.extensions.filters.http.header_mutation.v3.HeaderMutation': {
    readonly mutations?: Messages['envoy.extensions.filters.http.header_mutation.v3.Mutations'];
    readonly most_specific_header_mutations_wins?: boolean;
  };
  'envoy.extensions.filters.http.header_mutation.v3.Mutations': {
    readonly request_mutations?: readonly (Messages['envoy.config.common.mutation_rules.v3.HeaderMutation'])[];
    readonly query_parameter_mutations?: readonly (Messages['envoy.config.core.v3.KeyValueMutation'])[];
    readonly response_mutations?: readonly (Messages['envoy.config.common.mutation_rules.v3.HeaderMutation'])[];
    readonly response_trailers_mutations?: readonly (Messages['envoy.config.common.mutation_rules.v3.HeaderMutation'])[];
    readonly request_trailers_mutations?: readonly (Messages['envoy.config.common.mutation_rules.v3.HeaderMutation'])[];
  };
  'envoy.extensions.filters.http.header_to_metadata.v3.Config': {
    readonly request_rules?: readonly (Messages['envoy.extensions.filters.http.header_to_metadata.v3.Config.Rule'])[];
    readonly response_rules?: readonly (Messages['envoy.extensions.filters.http.header_to_metadata.v3.Config.Rule'])[];
    readonly stat_prefix?: string;
  };
  'envoy.extensions.filters.http.header_to_metadata.v3.Config.KeyValuePair': {
    readonly metadata_namespace?: string;
    readonly key?: string;
    readonly value?: string;
    readonly regex_value_rewrite?: Messages['envoy.type.matcher.v3.RegexMatchAndSubstitute'];
    readonly type?: 'STRING' | 'NUMBER' | 'PROTOBUF_VALUE';
    readonly encode?: 'NONE' | 'BASE64';
  };
  'envoy.extensions.filters.http.header_to_metadata.v3.Config.Rule': {
    readonly header?: string;
    readonly cookie?: string;
    readonly on_header_present?: Messages['envoy.extensions.filters.http.header_to_metadata.v3.Config.KeyValuePair'];
    readonly on_header_missing?: Messages['envoy.extensions.filters.http.header_to_metadata.v3.Config.KeyValuePair'];
    readonly remove?: boolean;
  };
  'envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit': {
    readonly stat_prefix?: string;
    readonly status?: Messages['envoy.type.v3.HttpStatus'];
    readonly token_bucket?: Messages['envoy.type.v3.TokenBucket'];
    readonly filter_enabled?: Messages['envoy.config.core.v3.RuntimeFractionalPercent'];
    readonly filter_enforced?: Messages['envoy.config.core.v3.RuntimeFractionalPercent'];
    readonly request_headers_to_add_when_not_enforced?: readonly (Messages['envoy.config.core.v3.HeaderValueOption'])[];
    readonly response_headers_to_add?: readonly (Messages['envoy.config.core.v3.HeaderValueOption'])[];
    readonly descriptors?: readonly (Messages['envoy.extensions.common.ratelimit.v3.LocalRateLimitDescriptor'])[];
    readonly stage?: number;
    readonly local_rate_limit_per_downstream_connection?: boolean;
    readonly local_cluster_rate_limit?: Messages['envoy.extensions.common.ratelimit.v3.LocalClusterRateLimit'];
    readonly enable_x_ratelimit_headers?: 'OFF' | 'DRAFT_VERSION_03';
    readonly vh_rate_limits?: 'OVERRIDE' | 'INCLUDE' | 'IGNORE';
    readonly always_consume_default_token_bucket?: boolean;
    readonly rate_limited_as_resource_exhausted?: boolean;
    readonly rate_limits?: readonly (Messages['envoy.config.route.v3.RateLimit'])[];
    readonly max_dynamic_descriptors?: number;
    readonly enable_retry_after_header?: boolean;
  };
  'envoy.extensions.filters.http.lua.v3.Lua': {
    readonly source_codes?: { readonly [key: string]: Messages['envoy.config.core.v3.DataSource'] };
    readonly default_source_code?: Messages['envoy.config.core.v3.DataSource'];
    readonly stat_prefix?: string;
    readonly clear_route_cache?: boolean;
    readonly filter_context?: { readonly [key: string]: unknown };
    readonly package_paths?: readonly (string)[];
    readonly package_cpaths?: readonly (string)[];
  };
  'envoy.extensions.filters.http.lua.v3.LuaPerRoute': {
    readonly disabled?: boolean;
    readonly name?: string;
    readonly source_code?: Messages['envoy.config.core.v3.DataSource'];
    readonly filter_context?: { readonly [key: string]: unknown };
    readonly package_paths?: readonly (string)[];
    readonly package_cpaths?: readonly (string)[];
  };
  'envoy.extensions.filters.http.rbac.v3.RBAC': {
    readonly rules?: Messages['envoy.config.rbac.v3.RBAC'];
    readonly rules_stat_prefix?: string;
    readonly matcher?: Messages['xds.type.matcher.v3.Matcher'];
    readonly shadow_rules?: Messages['envoy.config.rbac.v3.RBAC'];
    readonly shadow_matcher?: Messages['xds.type.matcher.v3.Matcher'];
    readonly shadow_rules_stat_prefix?: string;
    readonly track_per_rule_stats?: boolean;
  };
  'envoy.extensions.filters.http.rbac.v3.RBACPerRoute': {
    readonly rbac?: Messages['envoy.extensions.filters.http.rbac.v3.RBAC'];
  };
  'envoy.extensions.filters.http.router.v3.Router': {
    readonly dynamic_stats?: boolean;
    readonly upstream_log?: readonly (Messages['envoy.config.accesslog.v3.AccessLog'])[];
    readonly upstream_log_options?: Messages['envoy.extensions.filters.http.router.v3.Router.UpstreamAccessLogOptions'];
    readonly suppress_envoy_headers?: boolean;
    readonly strict_check_headers?: readonly (string)[];
    readonly respect_expected_rq_timeout?: boolean;
    readonly suppress_grpc_request_failure_code_stats?: boolean;
    readonly upstream_http_filters?: readonly (Messages['envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter'])[];
    readonly reject_connect_request_early_data?: boolean;
  };
  'envoy.extensions.filters.http.router.v3.Router.UpstreamAccessLogOptions': {
    readonly flush_upstream_log_on_upstream_stream?: boolean;
    readonly upstream_log_flush_interval?: string;
  };
  'envoy.extensions.filters.http.set_filter_state.v3.Config': {
    readonly on_request_headers?: readonly (Messages['envoy.extensions.filters.common.set_filter_state.v3.FilterStateValue'])[];
    readonly clear_route_cache?: boolean;
  };
  'envoy.extensions.filters.http.set_metadata.v3.Config': {
    readonly metadata?: readonly (Messages['envoy.extensions.filters.http.set_metadata.v3.Metadata'])[];
  };
  'envoy.extensions.filters.http.set_metadata.v3.Metadata': {
    readonly metadata_namespace?: string;
    readonly allow_overwrite?: boolean;
    readonly value?: { readonly [key: string]: unknown };
    readonly typed_value?: Any;
  };
  'envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector': {
    readonly enable_ja3_fingerprinting?: boolean;
    readonly enable_ja4_fingerprinting?: boolean;
    readonly initial_read_buffer_size?: number;
    readonly close_connection_on_client_hello_parsing_errors?: boolean;
    readonly max_client_hello_size?: number;
  };
  'envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit': {
    readonly stat_prefix?: string;
    readonly max_connections?: number;
    readonly delay?: string;
    readonly runtime_enabled?: Messages['envoy.config.core.v3.RuntimeFeatureFlag'];
  };
  'envoy.extensions.filters.network.direct_response.v3.Config': {
    readonly response?: Messages['envoy.config.core.v3.DataSource'];
  };
  'envoy.extensions.filters.network.http_connection_manager.v3.ForwardProtoConfig': {
    readonly https_destination_ports?: readonly (number)[];
    readonly http_destination_ports?: readonly (number)[];
  };
  'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager': {
    readonly codec_type?: 'AUTO' | 'HTTP1' | 'HTTP2' | 'HTTP3';
    readonly stat_prefix?: string;
    readonly rds?: Messages['envoy.extensions.filters.network.http_connection_manager.v3.Rds'];
    readonly route_config?: Messages['envoy.config.route.v3.RouteConfiguration'];
    readonly scoped_routes?: Messages['envoy.extensions.filters.network.http_connection_manager.v3.ScopedRoutes'];
    readonly http_filters?: readonly (Messages['envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter'])[];
    readonly add_user_agent?: boolean;
    readonly tracing?: Messages['envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.Tracing'];
    readonly common_http_protocol_options?: Messages['envoy.config.core.v3.HttpProtocolOptions'];
    readonly http1_safe_max_connection_duration?: boolean;
    readonly http_protocol_options?: Messages['envoy.config.core.v3.Http1ProtocolOptions'];
    readonly http2_protocol_options?: Messages['envoy.config.core.v3.Http2ProtocolOptions'];
    readonly http3_protocol_options?: Messages['envoy.config.core.v3.Http3ProtocolOptions'];
    readonly server_name?: string;
    readonly server_header_transformation?: 'OVERWRITE' | 'APPEND_IF_ABSENT' | 'PASS_THROUGH';
    readonly scheme_header_transformation?: Messages['envoy.config.core.v3.SchemeHeaderTransformation'];
    readonly max_request_headers_kb?: number;
    readonly stream_idle_timeout?: string;
    readonly stream_flush_timeout?: string;
    readonly request_timeout?: string;
    readonly request_headers_timeout?: string;
    readonly drain_timeout?: string;
    readonly drain_timeout_jitter?: Messages['envoy.type.v3.Percent'];
    readonly delayed_close_timeout?: string;
    readonly access_log?: readonly (Messages['envoy.config.accesslog.v3.AccessLog'])[];
    readonly access_log_options?: Messages['envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.HcmAccessLogOptions'];
    readonly use_remote_address?: boolean;
    readonly xff_num_trusted_hops?: number;
    readonly original_ip_detection_extensions?: readonly (Messages['envoy.config.core.v3.TypedExtensionConfig'])[];
    readonly early_header_mutation_extensions?: readonly (Messages['envoy.config.core.v3.TypedExtensionConfig'])[];
    readonly internal_address_config?: Messages['envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.InternalAddressConfig'];
    readonly skip_xff_append?: boolean;
    readonly via?: string;
    readonly generate_request_id?: boolean;
    readonly preserve_external_request_id?: boolean;
    readonly always_set_request_id_in_response?: boolean;
    readonly forward_client_cert_details?: 'SANITIZE' | 'FORWARD_ONLY' | 'APPEND_FORWARD' | 'SANITIZE_SET' | 'ALWAYS_FORWARD_ONLY';
    readonly set_current_client_cert_details?: Messages['envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.SetCurrentClientCertDetails'];
    readonly forward_client_cert_matcher?: Messages['xds.type.matcher.v3.Matcher'];
    readonly proxy_100_continue?: boolean;
    readonly represent_ipv4_remote_address_as_ipv4_mapped_ipv6?: boolean;
    readonly upgrade_configs?: readonly (Messages['envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.UpgradeConfig'])[];
    readonly normalize_path?: boolean;
    readonly merge_slashes?: boolean;
    readonly path_with_escaped_slashes_action?: 'IMPLEMENTATION_SPECIFIC_DEFAULT' | 'KEEP_UNCHANGED' | 'REJECT_REQUEST' | 'UNESCAPE_AND_REDIRECT' | 'UNESCAPE_AND_FORWARD';
    readonly request_id_extension?: Messages['envoy.extensions.filters.network.http_connection_manager.v3.RequestIDExtension'];
    readonly local_reply_config?: Messages['envoy.extensions.filters.network.http_connection_manager.v3.LocalReplyConfig'];
    readonly strip_matching_host_port?: boolean;
    readonly strip_any_host_port?: boolean;
    readonly stream_error_on_invalid_http_message?: boolean;
    readonly path_normalization_options?: Messages['envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.PathNormalizationOptions'];
    readonly strip_trailing_host_dot?: boolean;
    readonly proxy_status_config?: Messages['envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.ProxyStatusConfig'];
    readonly typed_header_validation_config?: Messages['envoy.config.core.v3.TypedExtensionConfig'];
    readonly append_x_forwarded_port?: boolean;
    readonly append_local_overload?: boolean;
    readonly add_proxy_protocol_connection_state?: boolean;
    readonly forward_proto_config?: Messages['envoy.extensions.filters.network.http_connection_manager.v3.ForwardProtoConfig'];
  };
  'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.HcmAccessLogOptions': {
    readonly access_log_flush_interval?: string;
    readonly flush_access_log_on_new_request?: boolean;
    readonly flush_log_on_tunnel_successfully_established?: boolean;
  };
  'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.InternalAddressConfig': {
    readonly unix_sockets?: boolean;
    readonly cidr_ranges?: readonly (Messages['envoy.config.core.v3.CidrRange'])[];
  };
  'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.PathNormalizationOptions': {
    readonly forwarding_transformation?: Messages['envoy.type.http.v3.PathTransformation'];
    readonly http_filter_transformation?: Messages['envoy.type.http.v3.PathTransformation'];
  };
  'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.ProxyStatusConfig': {
    readonly remove_details?: boolean;
    readonly remove_connection_termination_details?: boolean;
    readonly remove_response_flags?: boolean;
    readonly set_recommended_response_code?: boolean;
    readonly use_node_id?: boolean;
    readonly literal_proxy_name?: string;
  };
  'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.SetCurrentClientCertDetails': {
    readonly subject?: boolean;
    readonly cert?: boolean;
    readonly chain?: boolean;
    readonly dns?: boolean;
    readonly uri?: boolean;
    readonly issuer?: boolean;
    readonly format?: 'TEXT' | 'JSON';
  };
  'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.Tracing': {
    readonly client_sampling?: Messages['envoy.type.v3.Percent'];
    readonly random_sampling?: Messages['envoy.type.v3.Percent'];
    readonly overall_sampling?: Messages['envoy.type.v3.Percent'];
    readonly verbose?: boolean;
    readonly max_path_tag_length?: number;
    readonly custom_tags?: readonly (Messages['envoy.type.tracing.v3.CustomTag'])[];
    readonly provider?: Messages['envoy.config.trace.v3.Tracing.Http'];
    readonly spawn_upstream_span?: boolean;
    readonly operation?: string;
    readonly upstream_operation?: string;
    readonly no_context_propagation?: boolean;
  };
  'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.UpgradeConfig': {
    readonly upgrade_type?: string;
    readonly filters?: readonly (Messages['envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter'])[];
    readonly enabled?: boolean;
  };
  'envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter': {
    readonly name?: string;
    readonly typed_config?: Any;
    readonly config_discovery?: Messages['envoy.config.core.v3.ExtensionConfigSource'];
    readonly is_optional?: boolean;
    readonly disabled?: boolean;
  };
  'envoy.extensions.filters.network.http_connection_manager.v3.LocalReplyConfig': {
    readonly mappers?: readonly (Messages['envoy.extensions.filters.network.http_connection_manager.v3.ResponseMapper'])[];
    readonly body_format?: Messages['envoy.config.core.v3.SubstitutionFormatString'];
  };
  'envoy.extensions.filters.network.http_connection_manager.v3.Rds': {
    readonly config_source?: Messages['envoy.config.core.v3.ConfigSource'];
    readonly route_config_name?: string;
  };
  'envoy.extensions.filters.network.http_connection_manager.v3.RequestIDExtension': {
    readonly typed_config?: Any;
  };
  'envoy.extensions.filters.network.http_connection_manager.v3.ResponseMapper': {
    readonly filter?: Messages['envoy.config.accesslog.v3.AccessLogFilter'];
    readonly status_code?: number;
    readonly body?: Messages['envoy.config.core.v3.DataSource'];
    readonly body_format_override?: Messages['envoy.config.core.v3.SubstitutionFormatString'];
    readonly headers_to_add?: readonly (Messages['envoy.config.core.v3.HeaderValueOption'])[];
  };
  'envoy.extensions.filters.network.http_connection_manager.v3.ScopedRds': {
    readonly scoped_rds_config_source?: Messages['envoy.config.core.v3.ConfigSource'];
    readonly srds_resources_locator?: string;
  };
  'envoy.extensions.filters.network.http_connection_manager.v3.ScopedRouteConfigurationsList': {
    readonly scoped_route_configurations?: readonly (Messages['envoy.config.route.v3.ScopedRouteConfiguration'])[];
  };
  'envoy.extensions.filters.network.http_connection_manager.v3.ScopedRoutes': {
    readonly name?: string;
    readonly scope_key_builder?: Messages['envoy.extensions.filters.network.http_connection_manager.v3.ScopedRoutes.ScopeKeyBuilder'];
    readonly rds_config_source?: Messages['envoy.config.core.v3.ConfigSource'];
    readonly scoped_route_configurations_list?: Messages['envoy.extensions.filters.network.http_connection_manager.v3.ScopedRouteConfigurationsList'];
    readonly scoped_rds?: Messages['envoy.extensions.filters.network.http_connection_manager.v3.ScopedRds'];
  };
  'envoy.extensions.filters.network.http_connection_manager.v3.ScopedRoutes.ScopeKeyBuilder': {
    readonly fragments?: readonly (Messages['envoy.extensions.filters.network.http_connection_manager.v3.ScopedRoutes.ScopeKeyBuilder.FragmentBuilder'])[];
  };
  'envoy.extensions.filters.network.http_connection_manager.v3.ScopedRoutes.ScopeKeyBuilder.FragmentBuilder': {
    readonly header_value_extractor?: Messages['envoy.extensions.filters.network.http_connection_manager.v3.ScopedRoutes.ScopeKeyBuilder.FragmentBuilder.HeaderValueExtractor'];
  };
  'envoy.extensions.filters.network.http_connection_manager.v3.ScopedRoutes.ScopeKeyBuilder.FragmentBuilder.HeaderValueExtractor': {
    readonly name?: string;
    readonly element_separator?: string;
    readonly index?: number;
    readonly element?: Messages['envoy.extensions.filters.network.http_connection_manager.v3.ScopedRoutes.ScopeKeyBuilder.FragmentBuilder.HeaderValueExtractor.KvElement'];
  };
  'envoy.extensions.filters.network.http_connection_manager.v3.ScopedRoutes.ScopeKeyBuilder.FragmentBuilder.HeaderValueExtractor.KvElement': {
    readonly separator?: string;
    readonly key?: string;
  };
  'envoy.extensions.filters.network.rbac.v3.RBAC': {
    readonly rules?: Messages['envoy.config.rbac.v3.RBAC'];
    readonly matcher?: Messages['xds.type.matcher.v3.Matcher'];
    readonly shadow_rules?: Messages['envoy.config.rbac.v3.RBAC'];
    readonly shadow_matcher?: Messages['xds.type.matcher.v3.Matcher'];
    readonly shadow_rules_stat_prefix?: string;
    readonly stat_prefix?: string;
    readonly enforcement_type?: 'ONE_TIME_ON_FIRST_BYTE' | 'CONTINUOUS';
    readonly delay_deny?: string;
  };
  'envoy.extensions.filters.network.set_filter_state.v3.Config': {
    readonly on_new_connection?: readonly (Messages['envoy.extensions.filters.common.set_filter_state.v3.FilterStateValue'])[];
    readonly on_downstream_tls_handshake?: readonly (Messages['envoy.extensions.filters.common.set_filter_state.v3.FilterStateValue'])[];
    readonly on_downstream_data?: readonly (Messages['envoy.extensions.filters.common.set_filter_state.v3.FilterStateValue'])[];
  };
  'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy': {
    readonly stat_prefix?: string;
    readonly cluster?: string;
    readonly weighted_clusters?: Messages['envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.WeightedCluster'];
    readonly on_demand?: Messages['envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.OnDemand'];
    readonly metadata_match?: Messages['envoy.config.core.v3.Metadata'];
    readonly idle_timeout?: string;
    readonly downstream_idle_timeout?: string;
    readonly upstream_idle_timeout?: string;
    readonly access_log?: readonly (Messages['envoy.config.accesslog.v3.AccessLog'])[];
    readonly max_connect_attempts?: number;
    readonly backoff_options?: Messages['envoy.config.core.v3.BackoffStrategy'];
    readonly hash_policy?: readonly (Messages['envoy.type.v3.HashPolicy'])[];
    readonly tunneling_config?: Messages['envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.TunnelingConfig'];
    readonly max_downstream_connection_duration?: string;
    readonly max_downstream_connection_duration_jitter_percentage?: Messages['envoy.type.v3.Percent'];
    readonly access_log_options?: Messages['envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.TcpAccessLogOptions'];
    readonly proxy_protocol_tlvs?: readonly (Messages['envoy.config.core.v3.TlvEntry'])[];
    readonly proxy_protocol_tlv_merge_policy?: 'ADD_IF_ABSENT' | 'OVERWRITE_BY_TYPE_IF_EXISTS_OR_ADD' | 'APPEND_IF_EXISTS_OR_ADD';
    readonly upstream_connect_mode?: 'IMMEDIATE' | 'ON_DOWNSTREAM_DATA' | 'ON_DOWNSTREAM_TLS_HANDSHAKE';
    readonly max_early_data_bytes?: number;
    readonly check_drain_close?: boolean;
  };
  'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.OnDemand': {
    readonly odcds_config?: Messages['envoy.config.core.v3.ConfigSource'];
    readonly resources_locator?: string;
    readonly timeout?: string;
  };
  'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.TcpAccessLogOptions': {
    readonly access_log_flush_interval?: string;
    readonly flush_access_log_on_connected?: boolean;
    readonly flush_access_log_on_start?: boolean;
  };
  'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.TunnelingConfig': {
    readonly hostname?: string;
    readonly use_post?: boolean;
    readonly headers_to_add?: readonly (Messages['envoy.config.core.v3.HeaderValueOption'])[];
    readonly propagate_response_headers?: boolean;
    readonly post_path?: string;
    readonly propagate_response_trailers?: boolean;
    readonly request_id_extension?: Messages['envoy.extensions.filters.network.http_connection_manager.v3.RequestIDExtension'];
    readonly request_id_header?: string;
    readonly request_id_metadata_key?: string;
    readonly formatters?: readonly (Messages['envoy.config.core.v3.TypedExtensionConfig'])[];
  };
  'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.WeightedCluster': {
    readonly clusters?: readonly (Messages['envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.WeightedCluster.ClusterWeight'])[];
  };
  'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.WeightedCluster.ClusterWeight': {
    readonly name?: string;
    readonly weight?: number;
    readonly metadata_match?: Messages['envoy.config.core.v3.Metadata'];
  };
  'envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation': {
    readonly mutations?: readonly (Messages['envoy.config.common.mutation_rules.v3.HeaderMutation'])[];
  };
  'envoy.extensions.matching.common_inputs.network.v3.FilterStateInput': {
    readonly key?: string;
    readonly field?: string;
  };
  'envoy.extensions.matching.common_inputs.ssl.v3.UriSanInput': {
  };
  'envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig': {
    readonly max_active_downstream_connections?: number;
  };
  'envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig': {
    readonly max_heap_size_bytes?: number;
    readonly max_heap_size_bytes_runtime?: Messages['envoy.config.core.v3.RuntimeUInt64'];
  };
  'envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate': {
  };
  'envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig': {
    readonly update_frequency?: number;
  };
  'envoy.extensions.transport_sockets.internal_upstream.v3.InternalUpstreamTransport': {
    readonly passthrough_metadata?: readonly (Messages['envoy.extensions.transport_sockets.internal_upstream.v3.InternalUpstreamTransport.MetadataValueSource'])[];
    readonly transport_socket?: Messages['envoy.config.core.v3.TransportSocket'];
  };
  'envoy.extensions.transport_sockets.internal_upstream.v3.InternalUpstreamTransport.MetadataValueSource': {
    readonly kind?: Messages['envoy.type.metadata.v3.MetadataKind'];
    readonly name?: string;
  };
  'envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer': {
  };
  'envoy.extensions.transport_sockets.tls.v3.CertificateProviderPluginInstance': {
    readonly instance_name?: string;
    readonly certificate_name?: string;
  };
  'envoy.extensions.transport_sockets.tls.v3.CertificateValidationContext': {
    readonly trusted_ca?: Messages['envoy.config.core.v3.DataSource'];
    readonly ca_certificate_provider_instance?: Messages['envoy.extensions.transport_sockets.tls.v3.CertificateProviderPluginInstance'];
    readonly system_root_certs?: Messages['envoy.extensions.transport_sockets.tls.v3.CertificateValidationContext.SystemRootCerts'];
    readonly watched_directory?: Messages['envoy.config.core.v3.WatchedDirectory'];
    readonly verify_certificate_spki?: readonly (string)[];
    readonly verify_certificate_hash?: readonly (string)[];
    readonly match_typed_subject_alt_names?: readonly (Messages['envoy.extensions.transport_sockets.tls.v3.SubjectAltNameMatcher'])[];
    readonly require_signed_certificate_timestamp?: boolean;
    readonly crl?: Messages['envoy.config.core.v3.DataSource'];
    readonly allow_expired_certificate?: boolean;
    readonly trust_chain_verification?: 'VERIFY_TRUST_CHAIN' | 'ACCEPT_UNTRUSTED';
    readonly custom_validator_config?: Messages['envoy.config.core.v3.TypedExtensionConfig'];
    readonly only_verify_leaf_cert_crl?: boolean;
    readonly max_verify_depth?: number;
    readonly suppress_client_ca_list?: boolean;
  };
  'envoy.extensions.transport_sockets.tls.v3.CertificateValidationContext.SystemRootCerts': {
  };
  'envoy.extensions.transport_sockets.tls.v3.CommonTlsContext': {
    readonly tls_params?: Messages['envoy.extensions.transport_sockets.tls.v3.TlsParameters'];
    readonly tls_certificates?: readonly (Messages['envoy.extensions.transport_sockets.tls.v3.TlsCertificate'])[];
    readonly tls_certificate_sds_secret_configs?: readonly (Messages['envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig'])[];
    readonly tls_certificate_provider_instance?: Messages['envoy.extensions.transport_sockets.tls.v3.CertificateProviderPluginInstance'];
    readonly custom_tls_certificate_selector?: Messages['envoy.config.core.v3.TypedExtensionConfig'];
    readonly validation_context?: Messages['envoy.extensions.transport_sockets.tls.v3.CertificateValidationContext'];
    readonly validation_context_sds_secret_config?: Messages['envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig'];
    readonly combined_validation_context?: Messages['envoy.extensions.transport_sockets.tls.v3.CommonTlsContext.CombinedCertificateValidationContext'];
    readonly alpn_protocols?: readonly (string)[];
    readonly custom_handshaker?: Messages['envoy.config.core.v3.TypedExtensionConfig'];
    readonly key_log?: Messages['envoy.extensions.transport_sockets.tls.v3.TlsKeyLog'];
  };
  'envoy.extensions.transport_sockets.tls.v3.CommonTlsContext.CombinedCertificateValidationContext': {
    readonly default_validation_context?: Messages['envoy.extensions.transport_sockets.tls.v3.CertificateValidationContext'];
    readonly validation_context_sds_secret_config?: Messages['envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig'];
  };
  'envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext': {
    readonly common_tls_context?: Messages['envoy.extensions.transport_sockets.tls.v3.CommonTlsContext'];
    readonly require_client_certificate?: boolean;
    readonly require_sni?: boolean;
    readonly session_ticket_keys?: Messages['envoy.extensions.transport_sockets.tls.v3.TlsSessionTicketKeys'];
    readonly session_ticket_keys_sds_secret_config?: Messages['envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig'];
    readonly disable_stateless_session_resumption?: boolean;
    readonly disable_stateful_session_resumption?: boolean;
    readonly session_timeout?: string;
    readonly ocsp_staple_policy?: 'LENIENT_STAPLING' | 'STRICT_STAPLING' | 'MUST_STAPLE';
    readonly full_scan_certs_on_sni_mismatch?: boolean;
    readonly prefer_client_ciphers?: boolean;
  };
  'envoy.extensions.transport_sockets.tls.v3.GenericSecret': {
    readonly secret?: Messages['envoy.config.core.v3.DataSource'];
    readonly secrets?: { readonly [key: string]: Messages['envoy.config.core.v3.DataSource'] };
  };
  'envoy.extensions.transport_sockets.tls.v3.PrivateKeyProvider': {
    readonly provider_name?: string;
    readonly typed_config?: Any;
    readonly fallback?: boolean;
  };
  'envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig': {
    readonly name?: string;
    readonly sds_config?: Messages['envoy.config.core.v3.ConfigSource'];
  };
  'envoy.extensions.transport_sockets.tls.v3.Secret': {
    readonly name?: string;
    readonly tls_certificate?: Messages['envoy.extensions.transport_sockets.tls.v3.TlsCertificate'];
    readonly session_ticket_keys?: Messages['envoy.extensions.transport_sockets.tls.v3.TlsSessionTicketKeys'];
    readonly validation_context?: Messages['envoy.extensions.transport_sockets.tls.v3.CertificateValidationContext'];
    readonly generic_secret?: Messages['envoy.extensions.transport_sockets.tls.v3.GenericSecret'];
  };
  'envoy.extensions.transport_sockets.tls.v3.SubjectAltNameMatcher': {
    readonly san_type?: 'SAN_TYPE_UNSPECIFIED' | 'EMAIL' | 'DNS' | 'URI' | 'IP_ADDRESS' | 'OTHER_NAME';
    readonly matcher?: Messages['envoy.type.matcher.v3.StringMatcher'];
    readonly oid?: string;
  };
  'envoy.extensions.transport_sockets.tls.v3.TlsCertificate': {
    readonly certificate_chain?: Messages['envoy.config.core.v3.DataSource'];
    readonly private_key?: Messages['envoy.config.core.v3.DataSource'];
    readonly pkcs12?: Messages['envoy.config.core.v3.DataSource'];
    readonly watched_directory?: Messages['envoy.config.core.v3.WatchedDirectory'];
    readonly private_key_provider?: Messages['envoy.extensions.transport_sockets.tls.v3.PrivateKeyProvider'];
    readonly password?: Messages['envoy.config.core.v3.DataSource'];
    readonly ocsp_staple?: Messages['envoy.config.core.v3.DataSource'];
    readonly signed_certificate_timestamp?: readonly (Messages['envoy.config.core.v3.DataSource'])[];
    readonly tls_params?: Messages['envoy.extensions.transport_sockets.tls.v3.TlsParameters'];
  };
  'envoy.extensions.transport_sockets.tls.v3.TlsKeyLog': {
    readonly path?: string;
    readonly local_address_range?: readonly (Messages['envoy.config.core.v3.CidrRange'])[];
    readonly remote_address_range?: readonly (Messages['envoy.config.core.v3.CidrRange'])[];
  };
  'envoy.extensions.transport_sockets.tls.v3.TlsParameters': {
    readonly tls_minimum_protocol_version?: 'TLS_AUTO' | 'TLSv1_0' | 'TLSv1_1' | 'TLSv1_2' | 'TLSv1_3';
    readonly tls_maximum_protocol_version?: 'TLS_AUTO' | 'TLSv1_0' | 'TLSv1_1' | 'TLSv1_2' | 'TLSv1_3';
    readonly cipher_suites?: readonly (string)[];
    readonly ecdh_curves?: readonly (string)[];
    readonly signature_algorithms?: readonly (string)[];
    readonly compliance_policies?: readonly ('FIPS_202205' | 'CNSA2_202603' | 'CNSA1_202603')[];
  };
  'envoy.extensions.transport_sockets.tls.v3.TlsSessionTicketKeys': {
    readonly keys?: readonly (Messages['envoy.config.core.v3.DataSource'])[];
  };
  'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext': {
    readonly common_tls_context?: Messages['envoy.extensions.transport_sockets.tls.v3.CommonTlsContext'];
    readonly sni?: string;
    readonly auto_host_sni?: boolean;
    readonly auto_sni_san_validation?: boolean;
    readonly allow_renegotiation?: boolean;
    readonly max_session_keys?: number;
  };
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
    readonly common_http_protocol_options?: Messages['envoy.config.core.v3.HttpProtocolOptions'];
    readonly upstream_http_protocol_options?: Messages['envoy.config.core.v3.UpstreamHttpProtocolOptions'];
    readonly explicit_http_config?: Messages['envoy.extensions.upstreams.http.v3.HttpProtocolOptions.ExplicitHttpConfig'];
    readonly use_downstream_protocol_config?: Messages['envoy.extensions.upstreams.http.v3.HttpProtocolOptions.UseDownstreamHttpConfig'];
    readonly auto_config?: Messages['envoy.extensions.upstreams.http.v3.HttpProtocolOptions.AutoHttpConfig'];
    readonly http_filters?: readonly (Messages['envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter'])[];
    readonly header_validation_config?: Messages['envoy.config.core.v3.TypedExtensionConfig'];
    readonly outlier_detection?: Messages['envoy.extensions.upstreams.http.v3.HttpProtocolOptions.OutlierDetection'];
    readonly request_mirror_policies?: readonly (Messages['envoy.config.route.v3.RouteAction.RequestMirrorPolicy'])[];
    readonly hash_policy?: readonly (Messages['envoy.config.route.v3.RouteAction.HashPolicy'])[];
    readonly retry_policy?: Messages['envoy.config.route.v3.RetryPolicy'];
  };
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions.AutoHttpConfig': {
    readonly http_protocol_options?: Messages['envoy.config.core.v3.Http1ProtocolOptions'];
    readonly http2_protocol_options?: Messages['envoy.config.core.v3.Http2ProtocolOptions'];
    readonly http3_protocol_options?: Messages['envoy.config.core.v3.Http3ProtocolOptions'];
    readonly alternate_protocols_cache_options?: Messages['envoy.config.core.v3.AlternateProtocolsCacheOptions'];
  };
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions.ExplicitHttpConfig': {
    readonly http_protocol_options?: Messages['envoy.config.core.v3.Http1ProtocolOptions'];
    readonly http2_protocol_options?: Messages['envoy.config.core.v3.Http2ProtocolOptions'];
    readonly http3_protocol_options?: Messages['envoy.config.core.v3.Http3ProtocolOptions'];
  };
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions.OutlierDetection': {
    readonly error_matcher?: Messages['envoy.config.common.matcher.v3.MatchPredicate'];
  };
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions.UseDownstreamHttpConfig': {
    readonly http_protocol_options?: Messages['envoy.config.core.v3.Http1ProtocolOptions'];
    readonly http2_protocol_options?: Messages['envoy.config.core.v3.Http2ProtocolOptions'];
    readonly http3_protocol_options?: Messages['envoy.config.core.v3.Http3ProtocolOptions'];
  };
  'envoy.service.discovery.v3.DiscoveryResponse': {
    readonly version_info?: string;
    readonly resources?: readonly (Any)[];
    readonly canary?: boolean;
    readonly type_url?: string;
    readonly nonce?: string;
    readonly control_plane?: Messages['envoy.config.core.v3.ControlPlane'];
    readonly resource_errors?: readonly (Messages['envoy.service.discovery.v3.ResourceError'])[];
  };
  'envoy.service.discovery.v3.DynamicParameterConstraints': {
    readonly constraint?: Messages['envoy.service.discovery.v3.DynamicParameterConstraints.SingleConstraint'];
    readonly or_constraints?: Messages['envoy.service.discovery.v3.DynamicParameterConstraints.ConstraintList'];
    readonly and_constraints?: Messages['envoy.service.discovery.v3.DynamicParameterConstraints.ConstraintList'];
    readonly not_constraints?: Messages['envoy.service.discovery.v3.DynamicParameterConstraints'];
  };
  'envoy.service.discovery.v3.DynamicParameterConstraints.ConstraintList': {
    readonly constraints?: readonly (Messages['envoy.service.discovery.v3.DynamicParameterConstraints'])[];
  };
  'envoy.service.discovery.v3.DynamicParameterConstraints.SingleConstraint': {
    readonly key?: string;
    readonly value?: string;
    readonly exists?: Messages['envoy.service.discovery.v3.DynamicParameterConstraints.SingleConstraint.Exists'];
  };
  'envoy.service.discovery.v3.DynamicParameterConstraints.SingleConstraint.Exists': {
  };
  'envoy.service.discovery.v3.ResourceError': {
    readonly resource_name?: Messages['envoy.service.discovery.v3.ResourceName'];
    readonly error_detail?: Messages['google.rpc.Status'];
  };
  'envoy.service.discovery.v3.ResourceName': {
    readonly name?: string;
    readonly dynamic_parameter_constraints?: Messages['envoy.service.discovery.v3.DynamicParameterConstraints'];
  };
  'envoy.type.http.v3.PathTransformation': {
    readonly operations?: readonly (Messages['envoy.type.http.v3.PathTransformation.Operation'])[];
  };
  'envoy.type.http.v3.PathTransformation.Operation': {
    readonly normalize_path_rfc_3986?: Messages['envoy.type.http.v3.PathTransformation.Operation.NormalizePathRFC3986'];
    readonly merge_slashes?: Messages['envoy.type.http.v3.PathTransformation.Operation.MergeSlashes'];
  };
  'envoy.type.http.v3.PathTransformation.Operation.MergeSlashes': {
  };
  'envoy.type.http.v3.PathTransformation.Operation.NormalizePathRFC3986': {
  };
  'envoy.type.matcher.v3.AddressMatcher': {
    readonly ranges?: readonly (Messages['xds.core.v3.CidrRange'])[];
    readonly invert_match?: boolean;
  };
  'envoy.type.matcher.v3.DoubleMatcher': {
    readonly range?: Messages['envoy.type.v3.DoubleRange'];
    readonly exact?: number;
  };
  'envoy.type.matcher.v3.FilterStateMatcher': {
    readonly key?: string;
    readonly string_match?: Messages['envoy.type.matcher.v3.StringMatcher'];
    readonly address_match?: Messages['envoy.type.matcher.v3.AddressMatcher'];
  };
  'envoy.type.matcher.v3.HttpRequestHeaderMatchInput': {
    readonly header_name?: string;
  };
  'envoy.type.matcher.v3.HttpResponseHeaderMatchInput': {
    readonly header_name?: string;
  };
  'envoy.type.matcher.v3.ListMatcher': {
    readonly one_of?: Messages['envoy.type.matcher.v3.ValueMatcher'];
  };
  'envoy.type.matcher.v3.ListStringMatcher': {
    readonly patterns?: readonly (Messages['envoy.type.matcher.v3.StringMatcher'])[];
  };
  'envoy.type.matcher.v3.MetadataMatcher': {
    readonly filter?: string;
    readonly path?: readonly (Messages['envoy.type.matcher.v3.MetadataMatcher.PathSegment'])[];
    readonly value?: Messages['envoy.type.matcher.v3.ValueMatcher'];
    readonly invert?: boolean;
  };
  'envoy.type.matcher.v3.MetadataMatcher.PathSegment': {
    readonly key?: string;
  };
  'envoy.type.matcher.v3.OrMatcher': {
    readonly value_matchers?: readonly (Messages['envoy.type.matcher.v3.ValueMatcher'])[];
  };
  'envoy.type.matcher.v3.PathMatcher': {
    readonly path?: Messages['envoy.type.matcher.v3.StringMatcher'];
  };
  'envoy.type.matcher.v3.RegexMatchAndSubstitute': {
    readonly pattern?: Messages['envoy.type.matcher.v3.RegexMatcher'];
    readonly substitution?: string;
  };
  'envoy.type.matcher.v3.RegexMatcher': {
    readonly regex?: string;
  };
  'envoy.type.matcher.v3.StringMatcher': {
    readonly exact?: string;
    readonly prefix?: string;
    readonly suffix?: string;
    readonly safe_regex?: Messages['envoy.type.matcher.v3.RegexMatcher'];
    readonly contains?: string;
    readonly custom?: Messages['xds.core.v3.TypedExtensionConfig'];
    readonly ignore_case?: boolean;
  };
  'envoy.type.matcher.v3.ValueMatcher': {
    readonly null_match?: Messages['envoy.type.matcher.v3.ValueMatcher.NullMatch'];
    readonly double_match?: Messages['envoy.type.matcher.v3.DoubleMatcher'];
    readonly string_match?: Messages['envoy.type.matcher.v3.StringMatcher'];
    readonly bool_match?: boolean;
    readonly present_match?: boolean;
    readonly list_match?: Messages['envoy.type.matcher.v3.ListMatcher'];
    readonly or_match?: Messages['envoy.type.matcher.v3.OrMatcher'];
  };
  'envoy.type.matcher.v3.ValueMatcher.NullMatch': {
  };
  'envoy.type.metadata.v3.MetadataKey': {
    readonly key?: string;
    readonly path?: readonly (Messages['envoy.type.metadata.v3.MetadataKey.PathSegment'])[];
  };
  'envoy.type.metadata.v3.MetadataKey.PathSegment': {
    readonly key?: string;
    readonly index?: number;
  };
  'envoy.type.metadata.v3.MetadataKind': {
    readonly request?: Messages['envoy.type.metadata.v3.MetadataKind.Request'];
    readonly route?: Messages['envoy.type.metadata.v3.MetadataKind.Route'];
    readonly cluster?: Messages['envoy.type.metadata.v3.MetadataKind.Cluster'];
    readonly host?: Messages['envoy.type.metadata.v3.MetadataKind.Host'];
  };
  'envoy.type.metadata.v3.MetadataKind.Cluster': {
  };
  'envoy.type.metadata.v3.MetadataKind.Host': {
  };
  'envoy.type.metadata.v3.MetadataKind.Request': {
  };
  'envoy.type.metadata.v3.MetadataKind.Route': {
  };
  'envoy.type.tracing.v3.CustomTag': {
    readonly tag?: string;
    readonly literal?: Messages['envoy.type.tracing.v3.CustomTag.Literal'];
    readonly environment?: Messages['envoy.type.tracing.v3.CustomTag.Environment'];
    readonly request_header?: Messages['envoy.type.tracing.v3.CustomTag.Header'];
    readonly metadata?: Messages['envoy.type.tracing.v3.CustomTag.Metadata'];
    readonly value?: string;
  };
  'envoy.type.tracing.v3.CustomTag.Environment': {
    readonly name?: string;
    readonly default_value?: string;
  };
  'envoy.type.tracing.v3.CustomTag.Header': {
    readonly name?: string;
    readonly default_value?: string;
  };
  'envoy.type.tracing.v3.CustomTag.Literal': {
    readonly value?: string;
  };
  'envoy.type.tracing.v3.CustomTag.Metadata': {
    readonly kind?: Messages['envoy.type.metadata.v3.MetadataKind'];
    readonly metadata_key?: Messages['envoy.type.metadata.v3.MetadataKey'];
    readonly default_value?: string;
  };
  'envoy.type.v3.DoubleRange': {
    readonly start?: number;
    readonly end?: number;
  };
  'envoy.type.v3.FractionalPercent': {
    readonly numerator?: number;
    readonly denominator?: 'HUNDRED' | 'TEN_THOUSAND' | 'MILLION';
  };
  'envoy.type.v3.HashPolicy': {
    readonly source_ip?: Messages['envoy.type.v3.HashPolicy.SourceIp'];
    readonly filter_state?: Messages['envoy.type.v3.HashPolicy.FilterState'];
  };
  'envoy.type.v3.HashPolicy.FilterState': {
    readonly key?: string;
  };
  'envoy.type.v3.HashPolicy.SourceIp': {
  };
  'envoy.type.v3.HttpStatus': {
    readonly code?: 'Empty' | 'Continue' | 'OK' | 'Created' | 'Accepted' | 'NonAuthoritativeInformation' | 'NoContent' | 'ResetContent' | 'PartialContent' | 'MultiStatus' | 'AlreadyReported' | 'IMUsed' | 'MultipleChoices' | 'MovedPermanently' | 'Found' | 'SeeOther' | 'NotModified' | 'UseProxy' | 'TemporaryRedirect' | 'PermanentRedirect' | 'BadRequest' | 'Unauthorized' | 'PaymentRequired' | 'Forbidden' | 'NotFound' | 'MethodNotAllowed' | 'NotAcceptable' | 'ProxyAuthenticationRequired' | 'RequestTimeout' | 'Conflict' | 'Gone' | 'LengthRequired' | 'PreconditionFailed' | 'PayloadTooLarge' | 'URITooLong' | 'UnsupportedMediaType' | 'RangeNotSatisfiable' | 'ExpectationFailed' | 'MisdirectedRequest' | 'UnprocessableEntity' | 'Locked' | 'FailedDependency' | 'UpgradeRequired' | 'PreconditionRequired' | 'TooManyRequests' | 'RequestHeaderFieldsTooLarge' | 'InternalServerError' | 'NotImplemented' | 'BadGateway' | 'ServiceUnavailable' | 'GatewayTimeout' | 'HTTPVersionNotSupported' | 'VariantAlsoNegotiates' | 'InsufficientStorage' | 'LoopDetected' | 'NotExtended' | 'NetworkAuthenticationRequired';
  };
  'envoy.type.v3.Int32Range': {
    readonly start?: number;
    readonly end?: number;
  };
  'envoy.type.v3.Int64Range': {
    readonly start?: number;
    readonly end?: number;
  };
  'envoy.type.v3.Percent': {
    readonly value?: number;
  };
  'envoy.type.v3.Scope': {
    readonly max_counters?: number;
    readonly max_gauges?: number;
    readonly max_histograms?: number;
    readonly enable_eviction?: boolean;
    readonly prefix?: string;
    readonly sharing_name?: string;
  };
  'envoy.type.v3.SemanticVersion': {
    readonly major_number?: number;
    readonly minor_number?: number;
    readonly patch?: number;
  };
  'envoy.type.v3.TokenBucket': {
    readonly max_tokens?: number;
    readonly tokens_per_fill?: number;
    readonly fill_interval?: string;
  };
  'google.api.expr.v1alpha1.CheckedExpr': {
    readonly reference_map?: { readonly [key: string]: Messages['google.api.expr.v1alpha1.Reference'] };
    readonly type_map?: { readonly [key: string]: Messages['google.api.expr.v1alpha1.Type'] };
    readonly source_info?: Messages['google.api.expr.v1alpha1.SourceInfo'];
    readonly expr_version?: string;
    readonly expr?: Messages['google.api.expr.v1alpha1.Expr'];
  };
  'google.api.expr.v1alpha1.Constant': {
    readonly null_value?: 'NULL_VALUE';
    readonly bool_value?: boolean;
    readonly int64_value?: number;
    readonly uint64_value?: number;
    readonly double_value?: number;
    readonly string_value?: string;
    readonly bytes_value?: string;
  };
  'google.api.expr.v1alpha1.Expr': {
    readonly id?: number;
    readonly const_expr?: Messages['google.api.expr.v1alpha1.Constant'];
    readonly ident_expr?: Messages['google.api.expr.v1alpha1.Expr.Ident'];
    readonly select_expr?: Messages['google.api.expr.v1alpha1.Expr.Select'];
    readonly call_expr?: Messages['google.api.expr.v1alpha1.Expr.Call'];
    readonly list_expr?: Messages['google.api.expr.v1alpha1.Expr.CreateList'];
    readonly struct_expr?: Messages['google.api.expr.v1alpha1.Expr.CreateStruct'];
    readonly comprehension_expr?: Messages['google.api.expr.v1alpha1.Expr.Comprehension'];
  };
  'google.api.expr.v1alpha1.Expr.Call': {
    readonly target?: Messages['google.api.expr.v1alpha1.Expr'];
    readonly function?: string;
    readonly args?: readonly (Messages['google.api.expr.v1alpha1.Expr'])[];
  };
  'google.api.expr.v1alpha1.Expr.Comprehension': {
    readonly iter_var?: string;
    readonly iter_var2?: string;
    readonly iter_range?: Messages['google.api.expr.v1alpha1.Expr'];
    readonly accu_var?: string;
    readonly accu_init?: Messages['google.api.expr.v1alpha1.Expr'];
    readonly loop_condition?: Messages['google.api.expr.v1alpha1.Expr'];
    readonly loop_step?: Messages['google.api.expr.v1alpha1.Expr'];
    readonly result?: Messages['google.api.expr.v1alpha1.Expr'];
  };
  'google.api.expr.v1alpha1.Expr.CreateList': {
    readonly elements?: readonly (Messages['google.api.expr.v1alpha1.Expr'])[];
    readonly optional_indices?: readonly (number)[];
  };
  'google.api.expr.v1alpha1.Expr.CreateStruct': {
    readonly message_name?: string;
    readonly entries?: readonly (Messages['google.api.expr.v1alpha1.Expr.CreateStruct.Entry'])[];
  };
  'google.api.expr.v1alpha1.Expr.CreateStruct.Entry': {
    readonly id?: number;
    readonly field_key?: string;
    readonly map_key?: Messages['google.api.expr.v1alpha1.Expr'];
    readonly value?: Messages['google.api.expr.v1alpha1.Expr'];
    readonly optional_entry?: boolean;
  };
  'google.api.expr.v1alpha1.Expr.Ident': {
    readonly name?: string;
  };
  'google.api.expr.v1alpha1.Expr.Select': {
    readonly operand?: Messages['google.api.expr.v1alpha1.Expr'];
    readonly field?: string;
    readonly test_only?: boolean;
  };
  'google.api.expr.v1alpha1.Reference': {
    readonly name?: string;
    readonly overload_id?: readonly (string)[];
    readonly value?: Messages['google.api.expr.v1alpha1.Constant'];
  };
  'google.api.expr.v1alpha1.SourceInfo': {
    readonly syntax_version?: string;
    readonly location?: string;
    readonly line_offsets?: readonly (number)[];
    readonly positions?: { readonly [key: string]: number };
    readonly macro_calls?: { readonly [key: string]: Messages['google.api.expr.v1alpha1.Expr'] };
    readonly extensions?: readonly (Messages['google.api.expr.v1alpha1.SourceInfo.Extension'])[];
  };
  'google.api.expr.v1alpha1.SourceInfo.Extension': {
    readonly id?: string;
    readonly affected_components?: readonly ('COMPONENT_UNSPECIFIED' | 'COMPONENT_PARSER' | 'COMPONENT_TYPE_CHECKER' | 'COMPONENT_RUNTIME')[];
    readonly version?: Messages['google.api.expr.v1alpha1.SourceInfo.Extension.Version'];
  };
  'google.api.expr.v1alpha1.SourceInfo.Extension.Version': {
    readonly major?: number;
    readonly minor?: number;
  };
  'google.api.expr.v1alpha1.Type': {
    readonly dyn?: Record<string, never>;
    readonly null?: 'NULL_VALUE';
    readonly primitive?: 'PRIMITIVE_TYPE_UNSPECIFIED' | 'BOOL' | 'INT64' | 'UINT64' | 'DOUBLE' | 'STRING' | 'BYTES';
    readonly wrapper?: 'PRIMITIVE_TYPE_UNSPECIFIED' | 'BOOL' | 'INT64' | 'UINT64' | 'DOUBLE' | 'STRING' | 'BYTES';
    readonly well_known?: 'WELL_KNOWN_TYPE_UNSPECIFIED' | 'ANY' | 'TIMESTAMP' | 'DURATION';
    readonly list_type?: Messages['google.api.expr.v1alpha1.Type.ListType'];
    readonly map_type?: Messages['google.api.expr.v1alpha1.Type.MapType'];
    readonly function?: Messages['google.api.expr.v1alpha1.Type.FunctionType'];
    readonly message_type?: string;
    readonly type_param?: string;
    readonly type?: Messages['google.api.expr.v1alpha1.Type'];
    readonly error?: Record<string, never>;
    readonly abstract_type?: Messages['google.api.expr.v1alpha1.Type.AbstractType'];
  };
  'google.api.expr.v1alpha1.Type.AbstractType': {
    readonly name?: string;
    readonly parameter_types?: readonly (Messages['google.api.expr.v1alpha1.Type'])[];
  };
  'google.api.expr.v1alpha1.Type.FunctionType': {
    readonly result_type?: Messages['google.api.expr.v1alpha1.Type'];
    readonly arg_types?: readonly (Messages['google.api.expr.v1alpha1.Type'])[];
  };
  'google.api.expr.v1alpha1.Type.ListType': {
    readonly elem_type?: Messages['google.api.expr.v1alpha1.Type'];
  };
  'google.api.expr.v1alpha1.Type.MapType': {
    readonly key_type?: Messages['google.api.expr.v1alpha1.Type'];
    readonly value_type?: Messages['google.api.expr.v1alpha1.Type'];
  };
  'google.rpc.Status': {
    readonly code?: number;
    readonly message?: string;
    readonly details?: readonly (Any)[];
  };
  'xds.core.v3.Authority': {
    readonly name?: string;
  };
  'xds.core.v3.CidrRange': {
    readonly address_prefix?: string;
    readonly prefix_len?: number;
  };
  'xds.core.v3.ContextParams': {
    readonly params?: { readonly [key: string]: string };
  };
  'xds.core.v3.TypedExtensionConfig': {
    readonly name?: string;
    readonly typed_config?: Any;
  };
  'xds.type.matcher.v3.Matcher': {
    readonly matcher_list?: Messages['xds.type.matcher.v3.Matcher.MatcherList'];
    readonly matcher_tree?: Messages['xds.type.matcher.v3.Matcher.MatcherTree'];
    readonly on_no_match?: Messages['xds.type.matcher.v3.Matcher.OnMatch'];
  };
  'xds.type.matcher.v3.Matcher.MatcherList': {
    readonly matchers?: readonly (Messages['xds.type.matcher.v3.Matcher.MatcherList.FieldMatcher'])[];
  };
  'xds.type.matcher.v3.Matcher.MatcherList.FieldMatcher': {
    readonly predicate?: Messages['xds.type.matcher.v3.Matcher.MatcherList.Predicate'];
    readonly on_match?: Messages['xds.type.matcher.v3.Matcher.OnMatch'];
  };
  'xds.type.matcher.v3.Matcher.MatcherList.Predicate': {
    readonly single_predicate?: Messages['xds.type.matcher.v3.Matcher.MatcherList.Predicate.SinglePredicate'];
    readonly or_matcher?: Messages['xds.type.matcher.v3.Matcher.MatcherList.Predicate.PredicateList'];
    readonly and_matcher?: Messages['xds.type.matcher.v3.Matcher.MatcherList.Predicate.PredicateList'];
    readonly not_matcher?: Messages['xds.type.matcher.v3.Matcher.MatcherList.Predicate'];
  };
  'xds.type.matcher.v3.Matcher.MatcherList.Predicate.PredicateList': {
    readonly predicate?: readonly (Messages['xds.type.matcher.v3.Matcher.MatcherList.Predicate'])[];
  };
  'xds.type.matcher.v3.Matcher.MatcherList.Predicate.SinglePredicate': {
    readonly input?: Messages['xds.core.v3.TypedExtensionConfig'];
    readonly value_match?: Messages['xds.type.matcher.v3.StringMatcher'];
    readonly custom_match?: Messages['xds.core.v3.TypedExtensionConfig'];
  };
  'xds.type.matcher.v3.Matcher.MatcherTree': {
    readonly input?: Messages['xds.core.v3.TypedExtensionConfig'];
    readonly exact_match_map?: Messages['xds.type.matcher.v3.Matcher.MatcherTree.MatchMap'];
    readonly prefix_match_map?: Messages['xds.type.matcher.v3.Matcher.MatcherTree.MatchMap'];
    readonly custom_match?: Messages['xds.core.v3.TypedExtensionConfig'];
  };
  'xds.type.matcher.v3.Matcher.MatcherTree.MatchMap': {
    readonly map?: { readonly [key: string]: Messages['xds.type.matcher.v3.Matcher.OnMatch'] };
  };
  'xds.type.matcher.v3.Matcher.OnMatch': {
    readonly matcher?: Messages['xds.type.matcher.v3.Matcher'];
    readonly action?: Messages['xds.core.v3.TypedExtensionConfig'];
    readonly keep_matching?: boolean;
  };
  'xds.type.matcher.v3.RegexMatcher': {
    readonly google_re2?: Messages['xds.type.matcher.v3.RegexMatcher.GoogleRE2'];
    readonly regex?: string;
  };
  'xds.type.matcher.v3.RegexMatcher.GoogleRE2': {
  };
  'xds.type.matcher.v3.StringMatcher': {
    readonly exact?: string;
    readonly prefix?: string;
    readonly suffix?: string;
    readonly safe_regex?: Messages['xds.type.matcher.v3.RegexMatcher'];
    readonly contains?: string;
    readonly custom?: Messages['xds.core.v3.TypedExtensionConfig'];
    readonly ignore_case?: boolean;
  };
}

/** The message types that are xDS resources. */
export type ResourceType =
  | 'envoy.config.cluster.v3.Cluster'
  | 'envoy.config.endpoint.v3.ClusterLoadAssignment'
  | 'envoy.config.listener.v3.Listener'
  | 'envoy.config.route.v3.RouteConfiguration'
  | 'envoy.extensions.transport_sockets.tls.v3.Secret';

/** The message types that stand in an Any. */
export type PayloadType =
  | 'envoy.config.rbac.v3.Action'
  | 'envoy.config.route.v3.FilterConfig'
  | 'envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter'
  | 'envoy.extensions.access_loggers.grpc.v3.TcpGrpcAccessLogConfig'
  | 'envoy.extensions.access_loggers.stats.v3.Config'
  | 'envoy.extensions.access_loggers.stream.v3.StdoutAccessLog'
  | 'envoy.extensions.common.matching.v3.ExtensionWithMatcher'
  | 'envoy.extensions.filters.common.matcher.action.v3.SkipFilter'
  | 'envoy.extensions.filters.http.adaptive_concurrency.v3.AdaptiveConcurrency'
  | 'envoy.extensions.filters.http.body_size_limit.v3.BodySizeLimit'
  | 'envoy.extensions.filters.http.buffer.v3.Buffer'
  | 'envoy.extensions.filters.http.buffer.v3.BufferPerRoute'
  | 'envoy.extensions.filters.http.filter_chain.v3.FilterChainConfig'
  | 'envoy.extensions.filters.http.filter_chain.v3.FilterChainConfigPerRoute'
  | 'envoy.extensions.filters.http.header_mutation.v3.HeaderMutation'
  | 'envoy.extensions.filters.http.header_to_metadata.v3.Config'
  | 'envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit'
  | 'envoy.extensions.filters.http.lua.v3.Lua'
  | 'envoy.extensions.filters.http.lua.v3.LuaPerRoute'
  | 'envoy.extensions.filters.http.rbac.v3.RBAC'
  | 'envoy.extensions.filters.http.rbac.v3.RBACPerRoute'
  | 'envoy.extensions.filters.http.router.v3.Router'
  | 'envoy.extensions.filters.http.set_filter_state.v3.Config'
  | 'envoy.extensions.filters.http.set_metadata.v3.Config'
  | 'envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector'
  | 'envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit'
  | 'envoy.extensions.filters.network.direct_response.v3.Config'
  | 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'
  | 'envoy.extensions.filters.network.rbac.v3.RBAC'
  | 'envoy.extensions.filters.network.set_filter_state.v3.Config'
  | 'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy'
  | 'envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation'
  | 'envoy.extensions.matching.common_inputs.network.v3.FilterStateInput'
  | 'envoy.extensions.matching.common_inputs.ssl.v3.UriSanInput'
  | 'envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig'
  | 'envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig'
  | 'envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate'
  | 'envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig'
  | 'envoy.extensions.transport_sockets.internal_upstream.v3.InternalUpstreamTransport'
  | 'envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer'
  | 'envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext'
  | 'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext'
  | 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'
  | 'envoy.type.matcher.v3.HttpRequestHeaderMatchInput'
  | 'envoy.type.matcher.v3.HttpResponseHeaderMatchInput';

type Typed<N extends keyof Messages> = { readonly '@type': `type.googleapis.com/${N}` } & Messages[N];

/** A text in an Any: the name of a filter chain, as the action of a matcher. */
export type TextAny = { readonly '@type': 'type.googleapis.com/google.protobuf.StringValue'; readonly value?: string };

/** An Any of a known payload. */
export type Any = { [N in PayloadType]: Typed<N> }[PayloadType] | TextAny;

/** One xDS resource in ProtoJSON. */
export type ResourceJson = { [N in ResourceType]: Typed<N> }[ResourceType];
