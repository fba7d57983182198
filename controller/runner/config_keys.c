/* What gitlab-runner knows in config.toml. Generated from its source by hack/gitlab-runner/config-keys;
 * hack/generate writes it anew. */
#include "runner/config_keys.h"

/* clang-format off */
#define SHAPE(type_)      &(const struct shape){.type = SHAPE_##type_}
#define LIST(of)          &(const struct shape){.type = SHAPE_LIST, .each = of}
#define ONE_OR_LIST(of)   &(const struct shape){.type = SHAPE_ONE_OR_LIST, .each = of}
#define MAP(of)           &(const struct shape){.type = SHAPE_MAP, .each = of}
#define MEMBERS(...)      .members = (const struct shape_member[]){__VA_ARGS__ {0}}
#define KEY(name, shape)  {name, shape, NULL}

const char config_keys_version[] = "19.4.0";

static const struct shape logrotate_config = {.type = SHAPE_TABLE, MEMBERS(
    KEY("labels", MAP(SHAPE(TEXT))),
    KEY("log_dir", SHAPE(TEXT)),
    KEY("max_backup_files", SHAPE(WHOLE)),
    KEY("max_rotation_age", SHAPE(DURATION)),
)};

static const struct shape snowplow_config = {.type = SHAPE_TABLE, MEMBERS(
    KEY("app_id", SHAPE(TEXT)),
    KEY("batch_delivery_duration_buckets", LIST(SHAPE(NUMBER))),
    KEY("category", SHAPE(TEXT)),
    KEY("collector_uri", SHAPE(TEXT)),
    KEY("deployment_type", SHAPE(TEXT)),
    KEY("enable_oidc", SHAPE(FLAG)),
    KEY("metadata", MAP(SHAPE(TEXT))),
    KEY("realm", SHAPE(TEXT)),
    KEY("skip_oidc_if_unsupported_cloud", SHAPE(FLAG)),
    KEY("skip_runner_system_failure", SHAPE(FLAG)),
)};

static const struct shape usage_logger = {.type = SHAPE_TABLE, MEMBERS(
    KEY("enabled", SHAPE(FLAG)),
    KEY("labels", MAP(SHAPE(TEXT))),
    KEY("log_dir", SHAPE(TEXT)),
    KEY("logrotate", &logrotate_config),
    KEY("max_backup_files", SHAPE(WHOLE)),
    KEY("max_rotation_age", SHAPE(DURATION)),
    KEY("snowplow_billing", &snowplow_config),
    KEY("writers", LIST(SHAPE(TEXT))),
)};

static const struct shape experimental = {.type = SHAPE_TABLE, MEMBERS(
    KEY("usage_logger", &usage_logger),
)};

static const struct shape artifact_config = {.type = SHAPE_TABLE, MEMBERS(
    KEY("response_header_timeout", SHAPE(DURATION)),
    KEY("upload_timeout", SHAPE(DURATION)),
)};

static const struct shape cache_azure_config = {.type = SHAPE_TABLE, MEMBERS(
    KEY("AccountKey", SHAPE(TEXT)),
    KEY("AccountName", SHAPE(TEXT)),
    KEY("ContainerName", SHAPE(TEXT)),
    KEY("StorageDomain", SHAPE(TEXT)),
)};

static const struct shape cache_gcs_config = {.type = SHAPE_TABLE, MEMBERS(
    KEY("AccessID", SHAPE(TEXT)),
    KEY("BucketName", SHAPE(TEXT)),
    KEY("CredentialsFile", SHAPE(TEXT)),
    KEY("PrivateKey", SHAPE(TEXT)),
    KEY("UniverseDomain", SHAPE(TEXT)),
)};

static const struct shape cache_s3_config = {.type = SHAPE_TABLE, MEMBERS(
    KEY("Accelerate", SHAPE(FLAG)),
    KEY("AccessKey", SHAPE(TEXT)),
    KEY("AssumeRoleMaxConcurrency", SHAPE(WHOLE)),
    KEY("AuthenticationType", SHAPE(TEXT)),
    KEY("BucketLocation", SHAPE(TEXT)),
    KEY("BucketName", SHAPE(TEXT)),
    KEY("DisableAssumeRoleCredentialsCaching", SHAPE(FLAG)),
    KEY("DualStack", SHAPE(FLAG)),
    KEY("Insecure", SHAPE(FLAG)),
    KEY("PathStyle", SHAPE(FLAG)),
    KEY("RoleARN", SHAPE(TEXT)),
    KEY("SecretKey", SHAPE(TEXT)),
    KEY("ServerAddress", SHAPE(TEXT)),
    KEY("ServerSideEncryption", SHAPE(TEXT)),
    KEY("ServerSideEncryptionKeyID", SHAPE(TEXT)),
    KEY("SessionToken", SHAPE(TEXT)),
    KEY("UploadRoleARN", SHAPE(TEXT)),
)};

static const struct shape cacheconfig = {.type = SHAPE_TABLE, MEMBERS(
    KEY("MaxUploadedArchiveSize", SHAPE(WHOLE)),
    KEY("Path", SHAPE(TEXT)),
    KEY("RedactURL", SHAPE(FLAG)),
    KEY("Shared", SHAPE(FLAG)),
    KEY("Type", SHAPE(TEXT)),
    KEY("azure", &cache_azure_config),
    KEY("gcs", &cache_gcs_config),
    KEY("s3", &cache_s3_config),
)};

static const struct shape custom_build_dir = {.type = SHAPE_TABLE, MEMBERS(
    KEY("enabled", SHAPE(FLAG)),
)};

static const struct shape boot_verify = {.type = SHAPE_TABLE, MEMBERS(
    KEY("acquire_max_backoff", SHAPE(DURATION)),
    KEY("acquire_min_backoff", SHAPE(DURATION)),
    KEY("enabled", SHAPE(FLAG)),
    KEY("timeout", SHAPE(DURATION)),
    KEY("verify_auth", SHAPE(FLAG)),
    KEY("verify_cache", SHAPE(FLAG)),
    KEY("verify_commands", LIST(SHAPE(TEXT))),
    KEY("verify_helper_version", SHAPE(FLAG)),
    KEY("verify_server_url", SHAPE(FLAG)),
    KEY("verify_server_url_insecure", SHAPE(FLAG)),
)};

static const struct shape runner_experimental = {.type = SHAPE_TABLE, MEMBERS(
    KEY("boot_verify", &boot_verify),
)};

static const struct shape feature_flags = {.type = SHAPE_MAP, .each = SHAPE(FLAG), MEMBERS(
    KEY("FF_CLEAN_UP_FAILED_CACHE_EXTRACT", SHAPE(FLAG)),
    KEY("FF_CONCRETE", SHAPE(FLAG)),
    KEY("FF_DISABLE_AUTOMATIC_TOKEN_ROTATION", SHAPE(FLAG)),
    KEY("FF_DISABLE_POWERSHELL_STDIN", SHAPE(FLAG)),
    KEY("FF_DISABLE_UMASK_FOR_DOCKER_EXECUTOR", SHAPE(FLAG)),
    KEY("FF_DISABLE_UMASK_FOR_KUBERNETES_EXECUTOR", SHAPE(FLAG)),
    KEY("FF_ENABLE_BASH_EXIT_CODE_CHECK", SHAPE(FLAG)),
    KEY("FF_ENABLE_JOB_CLEANUP", SHAPE(FLAG)),
    KEY("FF_ENABLE_JOB_INPUTS_INTERPOLATION", SHAPE(FLAG)),
    KEY("FF_EXPORT_HIGH_CARDINALITY_METRICS", SHAPE(FLAG)),
    KEY("FF_GIT_URLS_WITHOUT_TOKENS", SHAPE(FLAG)),
    KEY("FF_HASH_CACHE_KEYS", SHAPE(FLAG)),
    KEY("FF_KUBERNETES_HONOR_ENTRYPOINT", SHAPE(FLAG)),
    KEY("FF_LOG_IMAGES_CONFIGURED_FOR_JOB", SHAPE(FLAG)),
    KEY("FF_MASK_ALL_DEFAULT_TOKENS", SHAPE(FLAG)),
    KEY("FF_NETWORK_PER_BUILD", SHAPE(FLAG)),
    KEY("FF_POSIXLY_CORRECT_ESCAPES", SHAPE(FLAG)),
    KEY("FF_PRINT_POD_EVENTS", SHAPE(FLAG)),
    KEY("FF_RESOLVE_FULL_TLS_CHAIN", SHAPE(FLAG)),
    KEY("FF_SCRIPT_SECTIONS", SHAPE(FLAG)),
    KEY("FF_SCRIPT_TO_STEP_MIGRATION", SHAPE(FLAG)),
    KEY("FF_SECRET_RESOLVING_FAILS_IF_MISSING", SHAPE(FLAG)),
    KEY("FF_SUSPENDABLE_ENVIRONMENTS", SHAPE(FLAG)),
    KEY("FF_TEST_FEATURE", SHAPE(FLAG)),
    KEY("FF_TIMESTAMPS", SHAPE(FLAG)),
    KEY("FF_USE_ADAPTIVE_REQUEST_CONCURRENCY", SHAPE(FLAG)),
    KEY("FF_USE_ADVANCED_POD_SPEC_CONFIGURATION", SHAPE(FLAG)),
    KEY("FF_USE_DIRECT_DOWNLOAD", SHAPE(FLAG)),
    KEY("FF_USE_DOCKER_AUTOSCALER_DIAL_STDIO", SHAPE(FLAG)),
    KEY("FF_USE_DUMB_INIT_WITH_KUBERNETES_EXECUTOR", SHAPE(FLAG)),
    KEY("FF_USE_DYNAMIC_TRACE_FORCE_SEND_INTERVAL", SHAPE(FLAG)),
    KEY("FF_USE_EXPONENTIAL_BACKOFF_STAGE_RETRY", SHAPE(FLAG)),
    KEY("FF_USE_FASTZIP", SHAPE(FLAG)),
    KEY("FF_USE_FLEETING_ACQUIRE_HEARTBEATS", SHAPE(FLAG)),
    KEY("FF_USE_GITALY_CORRELATION_ID", SHAPE(FLAG)),
    KEY("FF_USE_GIT_BUNDLE_URIS", SHAPE(FLAG)),
    KEY("FF_USE_GIT_NATIVE_CLONE", SHAPE(FLAG)),
    KEY("FF_USE_GIT_PROACTIVE_AUTH", SHAPE(FLAG)),
    KEY("FF_USE_INIT_WITH_DOCKER_EXECUTOR", SHAPE(FLAG)),
    KEY("FF_USE_JOB_ROUTER", SHAPE(FLAG)),
    KEY("FF_USE_LEGACY_BASH_EVAL", SHAPE(FLAG)),
    KEY("FF_USE_LEGACY_GCS_CACHE_ADAPTER", SHAPE(FLAG)),
    KEY("FF_USE_LEGACY_KUBERNETES_EXECUTION_STRATEGY", SHAPE(FLAG)),
    KEY("FF_USE_LEGACY_S3_CACHE_ADAPTER", SHAPE(FLAG)),
    KEY("FF_USE_NATIVE_CONTAINER_STOP", SHAPE(FLAG)),
    KEY("FF_USE_PARALLEL_ARTIFACT_TRANSFER", SHAPE(FLAG)),
    KEY("FF_USE_PARALLEL_CACHE_TRANSFER", SHAPE(FLAG)),
    KEY("FF_USE_POD_ACTIVE_DEADLINE_SECONDS", SHAPE(FLAG)),
    KEY("FF_USE_POWERSHELL_PATH_RESOLVER", SHAPE(FLAG)),
    KEY("FF_USE_WINDOWS_JOB_OBJECT", SHAPE(FLAG)),
    KEY("FF_USE_WINDOWS_LEGACY_PROCESS_STRATEGY", SHAPE(FLAG)),
    KEY("FF_WAIT_FOR_POD_TO_BE_REACHABLE", SHAPE(FLAG)),
)};

static const struct shape node_selector_requirement = {.type = SHAPE_TABLE, MEMBERS(
    KEY("key", SHAPE(TEXT)),
    KEY("operator", SHAPE(TEXT)),
    KEY("values", LIST(SHAPE(TEXT))),
)};

static const struct shape node_selector_term = {.type = SHAPE_TABLE, MEMBERS(
    KEY("match_expressions", LIST(&node_selector_requirement)),
    KEY("match_fields", LIST(&node_selector_requirement)),
)};

static const struct shape preferred_scheduling_term = {.type = SHAPE_TABLE, MEMBERS(
    KEY("preference", &node_selector_term),
    KEY("weight", SHAPE(WHOLE32)),
)};

static const struct shape node_selector = {.type = SHAPE_TABLE, MEMBERS(
    KEY("node_selector_terms", LIST(&node_selector_term)),
)};

static const struct shape kubernetes_node_affinity = {.type = SHAPE_TABLE, MEMBERS(
    KEY("preferred_during_scheduling_ignored_during_execution", LIST(&preferred_scheduling_term)),
    KEY("required_during_scheduling_ignored_during_execution", &node_selector),
)};

static const struct shape label_selector = {.type = SHAPE_TABLE, MEMBERS(
    KEY("match_expressions", LIST(&node_selector_requirement)),
    KEY("match_labels", MAP(SHAPE(TEXT))),
)};

static const struct shape pod_affinity_term = {.type = SHAPE_TABLE, MEMBERS(
    KEY("label_selector", &label_selector),
    KEY("match_label_keys", LIST(SHAPE(TEXT))),
    KEY("mismatch_label_keys", LIST(SHAPE(TEXT))),
    KEY("namespace_selector", &label_selector),
    KEY("namespaces", LIST(SHAPE(TEXT))),
    KEY("topology_key", SHAPE(TEXT)),
)};

static const struct shape weighted_pod_affinity_term = {.type = SHAPE_TABLE, MEMBERS(
    KEY("pod_affinity_term", &pod_affinity_term),
    KEY("weight", SHAPE(WHOLE32)),
)};

static const struct shape kubernetes_pod_affinity = {.type = SHAPE_TABLE, MEMBERS(
    KEY("preferred_during_scheduling_ignored_during_execution", LIST(&weighted_pod_affinity_term)),
    KEY("required_during_scheduling_ignored_during_execution", LIST(&pod_affinity_term)),
)};

static const struct shape kubernetes_pod_anti_affinity = {.type = SHAPE_TABLE, MEMBERS(
    KEY("preferred_during_scheduling_ignored_during_execution", LIST(&weighted_pod_affinity_term)),
    KEY("required_during_scheduling_ignored_during_execution", LIST(&pod_affinity_term)),
)};

static const struct shape kubernetes_affinity = {.type = SHAPE_TABLE, MEMBERS(
    KEY("node_affinity", &kubernetes_node_affinity),
    KEY("pod_affinity", &kubernetes_pod_affinity),
    KEY("pod_anti_affinity", &kubernetes_pod_anti_affinity),
)};

static const struct shape autoscaler_policy_config = {.type = SHAPE_TABLE, MEMBERS(
    KEY("idle_count", SHAPE(WHOLE)),
    KEY("idle_time", SHAPE(DURATION)),
    KEY("periods", LIST(SHAPE(TEXT))),
    KEY("preemptive_mode", SHAPE(FLAG)),
    KEY("scale_factor", SHAPE(NUMBER)),
    KEY("scale_factor_limit", SHAPE(WHOLE)),
    KEY("timezone", SHAPE(TEXT)),
)};

static const struct shape kubernetes_autoscaler_config = {.type = SHAPE_TABLE, MEMBERS(
    KEY("max_pause_pods", SHAPE(WHOLE)),
    KEY("pause_pod_image", SHAPE(TEXT)),
    KEY("pause_pod_image_pull_secrets", LIST(SHAPE(TEXT))),
    KEY("pause_pod_priority_class_name", SHAPE(TEXT)),
    KEY("policy", LIST(&autoscaler_policy_config)),
)};

static const struct shape kubernetes_app_armor_profile = {.type = SHAPE_TABLE, MEMBERS(
    KEY("localhost_profile", SHAPE(TEXT)),
    KEY("type", SHAPE(TEXT)),
)};

static const struct shape kubernetes_container_capabilities = {.type = SHAPE_TABLE, MEMBERS(
    KEY("add", LIST(SHAPE(TEXT))),
    KEY("drop", LIST(SHAPE(TEXT))),
)};

static const struct shape kubernetes_seccomp_profile = {.type = SHAPE_TABLE, MEMBERS(
    KEY("localhost_profile", SHAPE(TEXT)),
    KEY("type", SHAPE(TEXT)),
)};

static const struct shape kubernetes_container_security_context = {.type = SHAPE_TABLE, MEMBERS(
    KEY("allow_privilege_escalation", SHAPE(FLAG)),
    KEY("app_armor_profile", &kubernetes_app_armor_profile),
    KEY("capabilities", &kubernetes_container_capabilities),
    KEY("privileged", SHAPE(FLAG)),
    KEY("proc_mount", SHAPE(TEXT)),
    KEY("read_only_root_filesystem", SHAPE(FLAG)),
    KEY("run_as_group", SHAPE(WHOLE)),
    KEY("run_as_non_root", SHAPE(FLAG)),
    KEY("run_as_user", SHAPE(WHOLE)),
    KEY("seccomp_profile", &kubernetes_seccomp_profile),
    KEY("selinux_type", SHAPE(TEXT)),
)};

static const struct shape kubernetes_lifecycle_exec_action = {.type = SHAPE_TABLE, MEMBERS(
    KEY("command", LIST(SHAPE(TEXT))),
)};

static const struct shape kubernetes_lifecycle_http_get_header = {.type = SHAPE_TABLE, MEMBERS(
    KEY("name", SHAPE(TEXT)),
    KEY("value", SHAPE(TEXT)),
)};

static const struct shape kubernetes_lifecycle_http_get = {.type = SHAPE_TABLE, MEMBERS(
    KEY("host", SHAPE(TEXT)),
    KEY("http_headers", LIST(&kubernetes_lifecycle_http_get_header)),
    KEY("path", SHAPE(TEXT)),
    KEY("port", SHAPE(WHOLE)),
    KEY("scheme", SHAPE(TEXT)),
)};

static const struct shape kubernetes_lifecycle_tcp_socket = {.type = SHAPE_TABLE, MEMBERS(
    KEY("host", SHAPE(TEXT)),
    KEY("port", SHAPE(WHOLE)),
)};

static const struct shape kubernetes_lifecycle_handler = {.type = SHAPE_TABLE, MEMBERS(
    KEY("exec", &kubernetes_lifecycle_exec_action),
    KEY("http_get", &kubernetes_lifecycle_http_get),
    KEY("tcp_socket", &kubernetes_lifecycle_tcp_socket),
)};

static const struct shape kubernetes_container_lifecyle = {.type = SHAPE_TABLE, MEMBERS(
    KEY("post_start", &kubernetes_lifecycle_handler),
    KEY("pre_stop", &kubernetes_lifecycle_handler),
)};

static const struct shape kubernetes_dns_config_option = {.type = SHAPE_TABLE, MEMBERS(
    KEY("name", SHAPE(TEXT)),
    KEY("value", SHAPE(TEXT)),
)};

static const struct shape kubernetes_dns_config = {.type = SHAPE_TABLE, MEMBERS(
    KEY("nameservers", LIST(SHAPE(TEXT))),
    KEY("options", LIST(&kubernetes_dns_config_option)),
    KEY("searches", LIST(SHAPE(TEXT))),
)};

static const struct shape kubernetes_host_aliases = {.type = SHAPE_TABLE, MEMBERS(
    KEY("hostnames", LIST(SHAPE(TEXT))),
    KEY("ip", SHAPE(TEXT)),
)};

static const struct shape kubernetes_pod_security_context = {.type = SHAPE_TABLE, MEMBERS(
    KEY("app_armor_profile", &kubernetes_app_armor_profile),
    KEY("fs_group", SHAPE(WHOLE)),
    KEY("run_as_group", SHAPE(WHOLE)),
    KEY("run_as_non_root", SHAPE(FLAG)),
    KEY("run_as_user", SHAPE(WHOLE)),
    KEY("seccomp_profile", &kubernetes_seccomp_profile),
    KEY("selinux_type", SHAPE(TEXT)),
    KEY("supplemental_groups", LIST(SHAPE(WHOLE))),
)};

static const struct shape kubernetes_pod_spec = {.type = SHAPE_TABLE, MEMBERS(
    KEY("name", SHAPE(TEXT)),
    KEY("patch", SHAPE(TEXT)),
    KEY("patch_path", SHAPE(TEXT)),
    KEY("patch_type", SHAPE(TEXT)),
)};

static const struct shape service = {.type = SHAPE_TABLE, MEMBERS(
    KEY("alias", SHAPE(TEXT)),
    KEY("command", LIST(SHAPE(TEXT))),
    KEY("entrypoint", LIST(SHAPE(TEXT))),
    KEY("environment", LIST(SHAPE(TEXT))),
    KEY("name", SHAPE(TEXT)),
    KEY("suspend_data_path", SHAPE(TEXT)),
)};

static const struct shape kubernetes_config_map = {.type = SHAPE_TABLE, MEMBERS(
    KEY("items", MAP(SHAPE(TEXT))),
    KEY("mount_path", SHAPE(TEXT)),
    KEY("name", SHAPE(TEXT)),
    KEY("read_only", SHAPE(FLAG)),
    KEY("sub_path", SHAPE(TEXT)),
)};

static const struct shape kubernetes_csi = {.type = SHAPE_TABLE, MEMBERS(
    KEY("driver", SHAPE(TEXT)),
    KEY("fs_type", SHAPE(TEXT)),
    KEY("mount_path", SHAPE(TEXT)),
    KEY("name", SHAPE(TEXT)),
    KEY("read_only", SHAPE(FLAG)),
    KEY("sub_path", SHAPE(TEXT)),
    KEY("volume_attributes", MAP(SHAPE(TEXT))),
)};

static const struct shape kubernetes_empty_dir = {.type = SHAPE_TABLE, MEMBERS(
    KEY("medium", SHAPE(TEXT)),
    KEY("mount_path", SHAPE(TEXT)),
    KEY("mount_propagation", SHAPE(TEXT)),
    KEY("name", SHAPE(TEXT)),
    KEY("size_limit", SHAPE(TEXT)),
    KEY("sub_path", SHAPE(TEXT)),
)};

static const struct shape kubernetes_host_path = {.type = SHAPE_TABLE, MEMBERS(
    KEY("host_path", SHAPE(TEXT)),
    KEY("mount_path", SHAPE(TEXT)),
    KEY("mount_propagation", SHAPE(TEXT)),
    KEY("name", SHAPE(TEXT)),
    KEY("read_only", SHAPE(FLAG)),
    KEY("sub_path", SHAPE(TEXT)),
)};

static const struct shape kubernetes_nfs = {.type = SHAPE_TABLE, MEMBERS(
    KEY("mount_path", SHAPE(TEXT)),
    KEY("name", SHAPE(TEXT)),
    KEY("path", SHAPE(TEXT)),
    KEY("read_only", SHAPE(FLAG)),
    KEY("server", SHAPE(TEXT)),
    KEY("sub_path", SHAPE(TEXT)),
)};

static const struct shape kubernetes_pvc = {.type = SHAPE_TABLE, MEMBERS(
    KEY("mount_path", SHAPE(TEXT)),
    KEY("mount_propagation", SHAPE(TEXT)),
    KEY("name", SHAPE(TEXT)),
    KEY("read_only", SHAPE(FLAG)),
    KEY("sub_path", SHAPE(TEXT)),
)};

static const struct shape kubernetes_secret = {.type = SHAPE_TABLE, MEMBERS(
    KEY("items", MAP(SHAPE(TEXT))),
    KEY("mount_path", SHAPE(TEXT)),
    KEY("name", SHAPE(TEXT)),
    KEY("read_only", SHAPE(FLAG)),
    KEY("sub_path", SHAPE(TEXT)),
)};

static const struct shape kubernetes_volumes = {.type = SHAPE_TABLE, MEMBERS(
    KEY("config_map", LIST(&kubernetes_config_map)),
    KEY("csi", LIST(&kubernetes_csi)),
    KEY("empty_dir", LIST(&kubernetes_empty_dir)),
    KEY("host_path", LIST(&kubernetes_host_path)),
    KEY("nfs", LIST(&kubernetes_nfs)),
    KEY("pvc", LIST(&kubernetes_pvc)),
    KEY("secret", LIST(&kubernetes_secret)),
)};

static const struct shape kubernetes_config = {.type = SHAPE_TABLE, MEMBERS(
    KEY("affinity", &kubernetes_affinity),
    KEY("allow_privilege_escalation", SHAPE(FLAG)),
    KEY("allowed_groups", LIST(SHAPE(TEXT))),
    KEY("allowed_images", LIST(SHAPE(TEXT))),
    KEY("allowed_pull_policies", LIST(SHAPE(TEXT))),
    KEY("allowed_services", LIST(SHAPE(TEXT))),
    KEY("allowed_users", LIST(SHAPE(TEXT))),
    KEY("automount_service_account_token", SHAPE(FLAG)),
    KEY("autoscaler", &kubernetes_autoscaler_config),
    KEY("bearer_token", SHAPE(TEXT)),
    KEY("bearer_token_overwrite_allowed", SHAPE(FLAG)),
    KEY("build_container_security_context", &kubernetes_container_security_context),
    KEY("ca_file", SHAPE(TEXT)),
    KEY("cap_add", LIST(SHAPE(TEXT))),
    KEY("cap_drop", LIST(SHAPE(TEXT))),
    KEY("cert_file", SHAPE(TEXT)),
    KEY("cleanup_grace_period_seconds", SHAPE(WHOLE)),
    KEY("cleanup_resources_timeout", SHAPE(DURATION)),
    KEY("container_lifecycle", &kubernetes_container_lifecyle),
    KEY("context", SHAPE(TEXT)),
    KEY("cpu_limit", SHAPE(TEXT)),
    KEY("cpu_limit_overwrite_max_allowed", SHAPE(TEXT)),
    KEY("cpu_request", SHAPE(TEXT)),
    KEY("cpu_request_overwrite_max_allowed", SHAPE(TEXT)),
    KEY("dns_config", &kubernetes_dns_config),
    KEY("dns_policy", SHAPE(TEXT)),
    KEY("ephemeral_storage_limit", SHAPE(TEXT)),
    KEY("ephemeral_storage_limit_overwrite_max_allowed", SHAPE(TEXT)),
    KEY("ephemeral_storage_request", SHAPE(TEXT)),
    KEY("ephemeral_storage_request_overwrite_max_allowed", SHAPE(TEXT)),
    KEY("helper_container_security_context", &kubernetes_container_security_context),
    KEY("helper_cpu_limit", SHAPE(TEXT)),
    KEY("helper_cpu_limit_overwrite_max_allowed", SHAPE(TEXT)),
    KEY("helper_cpu_request", SHAPE(TEXT)),
    KEY("helper_cpu_request_overwrite_max_allowed", SHAPE(TEXT)),
    KEY("helper_ephemeral_storage_limit", SHAPE(TEXT)),
    KEY("helper_ephemeral_storage_limit_overwrite_max_allowed", SHAPE(TEXT)),
    KEY("helper_ephemeral_storage_request", SHAPE(TEXT)),
    KEY("helper_ephemeral_storage_request_overwrite_max_allowed", SHAPE(TEXT)),
    KEY("helper_image", SHAPE(TEXT)),
    KEY("helper_image_autoset_arch_and_os", SHAPE(FLAG)),
    KEY("helper_image_flavor", SHAPE(TEXT)),
    KEY("helper_memory_limit", SHAPE(TEXT)),
    KEY("helper_memory_limit_overwrite_max_allowed", SHAPE(TEXT)),
    KEY("helper_memory_request", SHAPE(TEXT)),
    KEY("helper_memory_request_overwrite_max_allowed", SHAPE(TEXT)),
    KEY("host", SHAPE(TEXT)),
    KEY("host_aliases", LIST(&kubernetes_host_aliases)),
    KEY("image", SHAPE(TEXT)),
    KEY("image_pull_secrets", LIST(SHAPE(TEXT))),
    KEY("init_permissions_container_security_context", &kubernetes_container_security_context),
    KEY("key_file", SHAPE(TEXT)),
    KEY("logs_base_dir", SHAPE(TEXT)),
    KEY("memory_limit", SHAPE(TEXT)),
    KEY("memory_limit_overwrite_max_allowed", SHAPE(TEXT)),
    KEY("memory_request", SHAPE(TEXT)),
    KEY("memory_request_overwrite_max_allowed", SHAPE(TEXT)),
    KEY("namespace", SHAPE(TEXT)),
    KEY("namespace_overwrite_allowed", SHAPE(TEXT)),
    KEY("namespace_per_job", SHAPE(FLAG)),
    KEY("node_selector", MAP(SHAPE(TEXT))),
    KEY("node_selector_overwrite_allowed", SHAPE(TEXT)),
    KEY("node_tolerations", MAP(SHAPE(TEXT))),
    KEY("node_tolerations_overwrite_allowed", SHAPE(TEXT)),
    KEY("pod_annotations", MAP(SHAPE(TEXT))),
    KEY("pod_annotations_overwrite_allowed", SHAPE(TEXT)),
    KEY("pod_cpu_limit", SHAPE(TEXT)),
    KEY("pod_cpu_limit_overwrite_max_allowed", SHAPE(TEXT)),
    KEY("pod_cpu_request", SHAPE(TEXT)),
    KEY("pod_cpu_request_overwrite_max_allowed", SHAPE(TEXT)),
    KEY("pod_disruption_budget", SHAPE(FLAG)),
    KEY("pod_labels", MAP(SHAPE(TEXT))),
    KEY("pod_labels_overwrite_allowed", SHAPE(TEXT)),
    KEY("pod_memory_limit", SHAPE(TEXT)),
    KEY("pod_memory_limit_overwrite_max_allowed", SHAPE(TEXT)),
    KEY("pod_memory_request", SHAPE(TEXT)),
    KEY("pod_memory_request_overwrite_max_allowed", SHAPE(TEXT)),
    KEY("pod_security_context", &kubernetes_pod_security_context),
    KEY("pod_spec", LIST(&kubernetes_pod_spec)),
    KEY("pod_termination_grace_period_seconds", SHAPE(WHOLE)),
    KEY("poll_interval", SHAPE(WHOLE)),
    KEY("poll_timeout", SHAPE(WHOLE)),
    KEY("print_pod_warning_events", SHAPE(FLAG)),
    KEY("priority_class_name", SHAPE(TEXT)),
    KEY("privileged", SHAPE(FLAG)),
    KEY("pull_policy", ONE_OR_LIST(SHAPE(TEXT))),
    KEY("resource_availability_check_max_attempts", SHAPE(WHOLE)),
    KEY("retry_backoff_max", SHAPE(WHOLE)),
    KEY("retry_limit", SHAPE(WHOLE)),
    KEY("retry_limits", MAP(SHAPE(WHOLE))),
    KEY("runtime_class_name", SHAPE(TEXT)),
    KEY("scheduler_name", SHAPE(TEXT)),
    KEY("scripts_base_dir", SHAPE(TEXT)),
    KEY("service_account", SHAPE(TEXT)),
    KEY("service_account_overwrite_allowed", SHAPE(TEXT)),
    KEY("service_container_security_context", &kubernetes_container_security_context),
    KEY("service_cpu_limit", SHAPE(TEXT)),
    KEY("service_cpu_limit_overwrite_max_allowed", SHAPE(TEXT)),
    KEY("service_cpu_request", SHAPE(TEXT)),
    KEY("service_cpu_request_overwrite_max_allowed", SHAPE(TEXT)),
    KEY("service_ephemeral_storage_limit", SHAPE(TEXT)),
    KEY("service_ephemeral_storage_limit_overwrite_max_allowed", SHAPE(TEXT)),
    KEY("service_ephemeral_storage_request", SHAPE(TEXT)),
    KEY("service_ephemeral_storage_request_overwrite_max_allowed", SHAPE(TEXT)),
    KEY("service_memory_limit", SHAPE(TEXT)),
    KEY("service_memory_limit_overwrite_max_allowed", SHAPE(TEXT)),
    KEY("service_memory_request", SHAPE(TEXT)),
    KEY("service_memory_request_overwrite_max_allowed", SHAPE(TEXT)),
    KEY("services", LIST(&service)),
    KEY("suspend_pvc_size", SHAPE(TEXT)),
    KEY("suspend_pvc_storage_class", SHAPE(TEXT)),
    KEY("use_service_account_image_pull_secrets", SHAPE(FLAG)),
    KEY("volumes", &kubernetes_volumes),
)};

static const struct shape job_queuing_duration = {.type = SHAPE_TABLE, MEMBERS(
    KEY("jobs_running_for_project", SHAPE(TEXT)),
    KEY("periods", LIST(SHAPE(TEXT))),
    KEY("threshold", SHAPE(DURATION)),
    KEY("timezone", SHAPE(TEXT)),
)};

static const struct shape monitoring = {.type = SHAPE_TABLE, MEMBERS(
    KEY("job_queuing_durations", LIST(&job_queuing_duration)),
)};

static const struct shape metrics_referee_config = {.type = SHAPE_TABLE, MEMBERS(
    KEY("prometheus_address", SHAPE(TEXT)),
    KEY("queries", LIST(SHAPE(TEXT))),
    KEY("query_interval", SHAPE(WHOLE)),
)};

static const struct shape referees = {.type = SHAPE_TABLE, MEMBERS(
    KEY("metrics", &metrics_referee_config),
)};

static const struct shape runner_config = {.type = SHAPE_TABLE, MEMBERS(
    KEY("artifact", &artifact_config),
    KEY("builds_dir", SHAPE(TEXT)),
    KEY("cache", &cacheconfig),
    KEY("cache_dir", SHAPE(TEXT)),
    KEY("clean_git_config", SHAPE(FLAG)),
    KEY("clone_url", SHAPE(TEXT)),
    KEY("custom_build_dir", &custom_build_dir),
    KEY("debug_trace_disabled", SHAPE(FLAG)),
    KEY("environment", LIST(SHAPE(TEXT))),
    KEY("executor", SHAPE(TEXT)),
    KEY("experimental", &runner_experimental),
    KEY("feature_flags", &feature_flags),
    KEY("get_sources_timeout", SHAPE(DURATION)),
    KEY("id", SHAPE(WHOLE)),
    KEY("job_status_final_update_retry_limit", SHAPE(WHOLE)),
    KEY("kubernetes", &kubernetes_config),
    KEY("labels", MAP(SHAPE(TEXT))),
    KEY("limit", SHAPE(WHOLE)),
    KEY("monitoring", &monitoring),
    KEY("name", SHAPE(TEXT)),
    KEY("output_limit", SHAPE(WHOLE)),
    KEY("post_build_script", SHAPE(TEXT)),
    KEY("post_get_sources_script", SHAPE(TEXT)),
    KEY("pre_build_script", SHAPE(TEXT)),
    KEY("pre_get_sources_script", SHAPE(TEXT)),
    KEY("prepare_timeout", SHAPE(DURATION)),
    KEY("proxy_exec", SHAPE(FLAG)),
    KEY("referees", &referees),
    KEY("request_concurrency", SHAPE(WHOLE)),
    KEY("safe_directory_checkout", SHAPE(FLAG)),
    KEY("shell", SHAPE(TEXT)),
    KEY("slot_cgroup_template", SHAPE(TEXT)),
    KEY("step_runner_image", SHAPE(TEXT)),
    KEY("strict_check_interval", SHAPE(FLAG)),
    KEY("tls-ca-file", SHAPE(TEXT)),
    KEY("tls-cert-file", SHAPE(TEXT)),
    KEY("tls-key-file", SHAPE(TEXT)),
    KEY("token", SHAPE(TEXT)),
    KEY("token_expires_at", SHAPE(ANY)),
    KEY("token_obtained_at", SHAPE(ANY)),
    KEY("unhealthy_interval", SHAPE(DURATION)),
    KEY("unhealthy_requests_limit", SHAPE(WHOLE)),
    KEY("url", SHAPE(TEXT)),
    KEY("use_slot_cgroups", SHAPE(FLAG)),
)};

static const struct shape session_server = {.type = SHAPE_TABLE, MEMBERS(
    KEY("advertise_address", SHAPE(TEXT)),
    KEY("listen_address", SHAPE(TEXT)),
    KEY("session_timeout", SHAPE(WHOLE)),
)};

const struct shape config_shape = {.type = SHAPE_TABLE, MEMBERS(
    KEY("check_interval", SHAPE(WHOLE)),
    KEY("concurrent", SHAPE(WHOLE)),
    KEY("connection_max_age", SHAPE(DURATION)),
    KEY("experimental", &experimental),
    KEY("labels", MAP(SHAPE(TEXT))),
    KEY("listen_address", SHAPE(TEXT)),
    KEY("log_field_dual_emit_target", SHAPE(WHOLE)),
    KEY("log_field_schema_version", SHAPE(WHOLE)),
    KEY("log_format", SHAPE(TEXT)),
    KEY("log_level", SHAPE(TEXT)),
    KEY("runners", &runner_config),
    KEY("sentry_dsn", SHAPE(TEXT)),
    KEY("session_server", &session_server),
    KEY("shutdown_timeout", SHAPE(WHOLE)),
    KEY("user", SHAPE(TEXT)),
)};
/* clang-format on */
