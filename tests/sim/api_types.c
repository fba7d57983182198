/* Made by hack/sim-types from client-go's applyconfigurations. Do not edit. */
#include "tests/sim/api_schema.h"

const struct schema_line schema_lines[] = {
    {"apis.meta.v1.Condition", ""},
    {"apis.meta.v1.LabelSelector", "a"},
    {"apis.meta.v1.ObjectMeta", "annotations=m:- finalizers=s:- labels=m:- managedFields=a "
                                "ownerReferences=k(uid):apis.meta.v1.OwnerReference"},
    {"apis.meta.v1.OwnerReference", "a"},
    {"apps.v1.Deployment",
     "metadata=apis.meta.v1.ObjectMeta spec=apps.v1.DeploymentSpec status=apps.v1.DeploymentStatus"},
    {"apps.v1.DeploymentCondition", ""},
    {"apps.v1.DeploymentSpec", "selector=apis.meta.v1.LabelSelector strategy=apps.v1.DeploymentStrategy "
                               "template=core.v1.PodTemplateSpec"},
    {"apps.v1.DeploymentStatus", "conditions=k(type):apps.v1.DeploymentCondition"},
    {"apps.v1.DeploymentStrategy", "rollingUpdate=apps.v1.RollingUpdateDeployment"},
    {"apps.v1.RollingUpdateDeployment", ""},
    {"coordination.v1.Lease", "metadata=apis.meta.v1.ObjectMeta spec=coordination.v1.LeaseSpec"},
    {"coordination.v1.LeaseSpec", ""},
    {"core.v1.AWSElasticBlockStoreVolumeSource", ""},
    {"core.v1.Affinity", "nodeAffinity=core.v1.NodeAffinity podAffinity=core.v1.PodAffinity "
                         "podAntiAffinity=core.v1.PodAntiAffinity"},
    {"core.v1.AppArmorProfile", ""},
    {"core.v1.AzureDiskVolumeSource", ""},
    {"core.v1.AzureFileVolumeSource", ""},
    {"core.v1.CSIVolumeSource", "nodePublishSecretRef=core.v1.LocalObjectReference volumeAttributes=m:-"},
    {"core.v1.Capabilities", "add=a drop=a"},
    {"core.v1.CephFSVolumeSource", "monitors=a secretRef=core.v1.LocalObjectReference"},
    {"core.v1.CinderVolumeSource", "secretRef=core.v1.LocalObjectReference"},
    {"core.v1.ClientIPConfig", ""},
    {"core.v1.ConfigMap", "binaryData=m:- data=m:- metadata=apis.meta.v1.ObjectMeta"},
    {"core.v1.ConfigMapKeySelector", "a"},
    {"core.v1.ConfigMapVolumeSource", "items=a"},
    {"core.v1.Container",
     "args=a command=a env=k(name):core.v1.EnvVar envFrom=a lifecycle=core.v1.Lifecycle "
     "livenessProbe=core.v1.Probe ports=k(containerPort,protocol):core.v1.ContainerPort "
     "readinessProbe=core.v1.Probe resizePolicy=a resources=core.v1.ResourceRequirements "
     "restartPolicyRules=a securityContext=core.v1.SecurityContext startupProbe=core.v1.Probe "
     "volumeDevices=k(devicePath):core.v1.VolumeDevice volumeMounts=k(mountPath):core.v1.VolumeMount"},
    {"core.v1.ContainerPort", ""},
    {"core.v1.DownwardAPIVolumeSource", "items=a"},
    {"core.v1.EmptyDirVolumeSource", ""},
    {"core.v1.EnvVar", "valueFrom=core.v1.EnvVarSource"},
    {"core.v1.EnvVarSource", "configMapKeyRef=core.v1.ConfigMapKeySelector fieldRef=core.v1.ObjectFieldSelector "
                             "fileKeyRef=core.v1.FileKeySelector resourceFieldRef=core.v1.ResourceFieldSelector "
                             "secretKeyRef=core.v1.SecretKeySelector"},
    {"core.v1.EphemeralContainer",
     "args=a command=a env=k(name):core.v1.EnvVar envFrom=a lifecycle=core.v1.Lifecycle "
     "livenessProbe=core.v1.Probe ports=k(containerPort,protocol):core.v1.ContainerPort "
     "readinessProbe=core.v1.Probe resizePolicy=a resources=core.v1.ResourceRequirements "
     "restartPolicyRules=a securityContext=core.v1.SecurityContext startupProbe=core.v1.Probe "
     "volumeDevices=k(devicePath):core.v1.VolumeDevice volumeMounts=k(mountPath):core.v1.VolumeMount"},
    {"core.v1.EphemeralVolumeSource", "volumeClaimTemplate=core.v1.PersistentVolumeClaimTemplate"},
    {"core.v1.EventSource", ""},
    {"core.v1.ExecAction", "command=a"},
    {"core.v1.FCVolumeSource", "targetWWNs=a wwids=a"},
    {"core.v1.FileKeySelector", "a"},
    {"core.v1.FlexVolumeSource", "options=m:- secretRef=core.v1.LocalObjectReference"},
    {"core.v1.FlockerVolumeSource", ""},
    {"core.v1.GCEPersistentDiskVolumeSource", ""},
    {"core.v1.GRPCAction", ""},
    {"core.v1.GitRepoVolumeSource", ""},
    {"core.v1.GlusterfsVolumeSource", ""},
    {"core.v1.HTTPGetAction", "httpHeaders=a"},
    {"core.v1.HostAlias", "hostnames=a"},
    {"core.v1.HostPathVolumeSource", ""},
    {"core.v1.ISCSIVolumeSource", "portals=a secretRef=core.v1.LocalObjectReference"},
    {"core.v1.ImageVolumeSource", ""},
    {"core.v1.Lifecycle", "postStart=core.v1.LifecycleHandler preStop=core.v1.LifecycleHandler"},
    {"core.v1.LifecycleHandler", "exec=core.v1.ExecAction httpGet=core.v1.HTTPGetAction sleep=core.v1.SleepAction "
                                 "tcpSocket=core.v1.TCPSocketAction"},
    {"core.v1.LoadBalancerStatus", "ingress=a"},
    {"core.v1.LocalObjectReference", "a"},
    {"core.v1.NFSVolumeSource", ""},
    {"core.v1.Namespace", "metadata=apis.meta.v1.ObjectMeta spec=core.v1.NamespaceSpec status=core.v1.NamespaceStatus"},
    {"core.v1.NamespaceCondition", ""},
    {"core.v1.NamespaceSpec", "finalizers=a"},
    {"core.v1.NamespaceStatus", "conditions=k(type):core.v1.NamespaceCondition"},
    {"core.v1.NodeAffinity", "preferredDuringSchedulingIgnoredDuringExecution=a "
                             "requiredDuringSchedulingIgnoredDuringExecution=core.v1.NodeSelector"},
    {"core.v1.NodeSelector", "a"},
    {"core.v1.ObjectFieldSelector", "a"},
    {"core.v1.ObjectReference", "a"},
    {"core.v1.PersistentVolumeClaimSpec",
     "accessModes=a dataSource=core.v1.TypedLocalObjectReference "
     "dataSourceRef=core.v1.TypedObjectReference resources=core.v1.VolumeResourceRequirements "
     "selector=apis.meta.v1.LabelSelector"},
    {"core.v1.PersistentVolumeClaimTemplate",
     "metadata=apis.meta.v1.ObjectMeta spec=core.v1.PersistentVolumeClaimSpec"},
    {"core.v1.PersistentVolumeClaimVolumeSource", ""},
    {"core.v1.PhotonPersistentDiskVolumeSource", ""},
    {"core.v1.Pod", "metadata=apis.meta.v1.ObjectMeta spec=core.v1.PodSpec status=core.v1.PodStatus"},
    {"core.v1.PodAffinity", "preferredDuringSchedulingIgnoredDuringExecution=a "
                            "requiredDuringSchedulingIgnoredDuringExecution=a"},
    {"core.v1.PodAntiAffinity", "preferredDuringSchedulingIgnoredDuringExecution=a "
                                "requiredDuringSchedulingIgnoredDuringExecution=a"},
    {"core.v1.PodCondition", ""},
    {"core.v1.PodDNSConfig", "nameservers=a options=a searches=a"},
    {"core.v1.PodExtendedResourceClaimStatus", "requestMappings=a"},
    {"core.v1.PodIP", ""},
    {"core.v1.PodOS", ""},
    {"core.v1.PodResourceClaim", ""},
    {"core.v1.PodResourceClaimStatus", ""},
    {"core.v1.PodSchedulingGate", ""},
    {"core.v1.PodSchedulingGroup", ""},
    {"core.v1.PodSecurityContext", "appArmorProfile=core.v1.AppArmorProfile seLinuxOptions=core.v1.SELinuxOptions "
                                   "seccompProfile=core.v1.SeccompProfile supplementalGroups=a sysctls=a "
                                   "windowsOptions=core.v1.WindowsSecurityContextOptions"},
    {"core.v1.PodSpec", "overhead=m:- affinity=core.v1.Affinity containers=k(name):core.v1.Container "
                        "dnsConfig=core.v1.PodDNSConfig ephemeralContainers=k(name):core.v1.EphemeralContainer "
                        "hostAliases=k(ip):core.v1.HostAlias imagePullSecrets=k(name):core.v1.LocalObjectReference "
                        "initContainers=k(name):core.v1.Container nodeSelector=a os=core.v1.PodOS readinessGates=a "
                        "resourceClaims=k(name):core.v1.PodResourceClaim resources=core.v1.ResourceRequirements "
                        "schedulingGates=k(name):core.v1.PodSchedulingGate schedulingGroup=core.v1.PodSchedulingGroup "
                        "securityContext=core.v1.PodSecurityContext tolerations=a "
                        "topologySpreadConstraints=k(topologyKey,whenUnsatisfiable):core.v1.TopologySpreadConstraint "
                        "volumes=k(name):core.v1.Volume"},
    {"core.v1.PodStatus",
     "allocatedResources=m:- conditions=k(type):core.v1.PodCondition containerStatuses=a "
     "ephemeralContainerStatuses=a extendedResourceClaimStatus=core.v1.PodExtendedResourceClaimStatus "
     "hostIPs=a initContainerStatuses=a nodeAllocatableResourceClaimStatuses=a "
     "podIPs=k(ip):core.v1.PodIP resourceClaimStatuses=k(name):core.v1.PodResourceClaimStatus "
     "resources=core.v1.ResourceRequirements"},
    {"core.v1.PodTemplateSpec", "metadata=apis.meta.v1.ObjectMeta spec=core.v1.PodSpec"},
    {"core.v1.PortworxVolumeSource", ""},
    {"core.v1.Probe", "exec=core.v1.ExecAction grpc=core.v1.GRPCAction httpGet=core.v1.HTTPGetAction "
                      "tcpSocket=core.v1.TCPSocketAction"},
    {"core.v1.ProjectedVolumeSource", "sources=a"},
    {"core.v1.QuobyteVolumeSource", ""},
    {"core.v1.RBDVolumeSource", "monitors=a secretRef=core.v1.LocalObjectReference"},
    {"core.v1.ResourceClaim", ""},
    {"core.v1.ResourceFieldSelector", "a"},
    {"core.v1.ResourceRequirements", "limits=m:- requests=m:- claims=k(name):core.v1.ResourceClaim"},
    {"core.v1.SELinuxOptions", ""},
    {"core.v1.ScaleIOVolumeSource", "secretRef=core.v1.LocalObjectReference"},
    {"core.v1.SeccompProfile", ""},
    {"core.v1.Secret", "data=m:- metadata=apis.meta.v1.ObjectMeta stringData=m:-"},
    {"core.v1.SecretKeySelector", "a"},
    {"core.v1.SecretVolumeSource", "items=a"},
    {"core.v1.SecurityContext", "appArmorProfile=core.v1.AppArmorProfile capabilities=core.v1.Capabilities "
                                "seLinuxOptions=core.v1.SELinuxOptions seccompProfile=core.v1.SeccompProfile "
                                "windowsOptions=core.v1.WindowsSecurityContextOptions"},
    {"core.v1.Service", "metadata=apis.meta.v1.ObjectMeta spec=core.v1.ServiceSpec status=core.v1.ServiceStatus"},
    {"core.v1.ServiceAccount",
     "imagePullSecrets=a metadata=apis.meta.v1.ObjectMeta secrets=k(name):core.v1.ObjectReference"},
    {"core.v1.ServicePort", ""},
    {"core.v1.ServiceSpec", "clusterIPs=a externalIPs=a ipFamilies=a loadBalancerSourceRanges=a "
                            "ports=k(port,protocol):core.v1.ServicePort selector=a "
                            "sessionAffinityConfig=core.v1.SessionAffinityConfig"},
    {"core.v1.ServiceStatus", "conditions=k(type):apis.meta.v1.Condition loadBalancer=core.v1.LoadBalancerStatus"},
    {"core.v1.SessionAffinityConfig", "clientIP=core.v1.ClientIPConfig"},
    {"core.v1.SleepAction", ""},
    {"core.v1.StorageOSVolumeSource", "secretRef=core.v1.LocalObjectReference"},
    {"core.v1.TCPSocketAction", ""},
    {"core.v1.TopologySpreadConstraint", "labelSelector=apis.meta.v1.LabelSelector matchLabelKeys=a"},
    {"core.v1.TypedLocalObjectReference", "a"},
    {"core.v1.TypedObjectReference", ""},
    {"core.v1.Volume", "awsElasticBlockStore=core.v1.AWSElasticBlockStoreVolumeSource "
                       "azureDisk=core.v1.AzureDiskVolumeSource azureFile=core.v1.AzureFileVolumeSource "
                       "cephfs=core.v1.CephFSVolumeSource cinder=core.v1.CinderVolumeSource "
                       "configMap=core.v1.ConfigMapVolumeSource csi=core.v1.CSIVolumeSource "
                       "downwardAPI=core.v1.DownwardAPIVolumeSource emptyDir=core.v1.EmptyDirVolumeSource "
                       "ephemeral=core.v1.EphemeralVolumeSource fc=core.v1.FCVolumeSource "
                       "flexVolume=core.v1.FlexVolumeSource flocker=core.v1.FlockerVolumeSource "
                       "gcePersistentDisk=core.v1.GCEPersistentDiskVolumeSource gitRepo=core.v1.GitRepoVolumeSource "
                       "glusterfs=core.v1.GlusterfsVolumeSource hostPath=core.v1.HostPathVolumeSource "
                       "image=core.v1.ImageVolumeSource iscsi=core.v1.ISCSIVolumeSource nfs=core.v1.NFSVolumeSource "
                       "persistentVolumeClaim=core.v1.PersistentVolumeClaimVolumeSource "
                       "photonPersistentDisk=core.v1.PhotonPersistentDiskVolumeSource "
                       "portworxVolume=core.v1.PortworxVolumeSource projected=core.v1.ProjectedVolumeSource "
                       "quobyte=core.v1.QuobyteVolumeSource rbd=core.v1.RBDVolumeSource "
                       "scaleIO=core.v1.ScaleIOVolumeSource secret=core.v1.SecretVolumeSource "
                       "storageos=core.v1.StorageOSVolumeSource vsphereVolume=core.v1.VsphereVirtualDiskVolumeSource"},
    {"core.v1.VolumeDevice", ""},
    {"core.v1.VolumeMount", ""},
    {"core.v1.VolumeResourceRequirements", "limits=m:- requests=m:-"},
    {"core.v1.VsphereVirtualDiskVolumeSource", ""},
    {"core.v1.WindowsSecurityContextOptions", ""},
    {"discovery.v1.EndpointSlice", "endpoints=a metadata=apis.meta.v1.ObjectMeta ports=a"},
    {"events.v1.Event",
     "deprecatedSource=core.v1.EventSource metadata=apis.meta.v1.ObjectMeta "
     "regarding=core.v1.ObjectReference related=core.v1.ObjectReference series=events.v1.EventSeries"},
    {"events.v1.EventSeries", ""},
    {"policy.v1.PodDisruptionBudget", "metadata=apis.meta.v1.ObjectMeta spec=policy.v1.PodDisruptionBudgetSpec "
                                      "status=policy.v1.PodDisruptionBudgetStatus"},
    {"policy.v1.PodDisruptionBudgetSpec", "selector=apis.meta.v1.LabelSelector"},
    {"policy.v1.PodDisruptionBudgetStatus", "disruptedPods=m:- conditions=k(type):apis.meta.v1.Condition"},
    {"rbac.v1.RoleBinding", "metadata=apis.meta.v1.ObjectMeta roleRef=rbac.v1.RoleRef subjects=a"},
    {"rbac.v1.RoleRef", "a"},
    {NULL, NULL},
};
