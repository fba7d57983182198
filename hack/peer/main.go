// peer does what the bench measures in the way of most operators: with controller-runtime, in Go. It makes the same
// writes as the operator, with the same contents, and has next to no logic: a whole operator of that kind takes more.
//
//	peer SCRIPTS NAMESPACE
//
// It is careful: of children only metadata is cached, without managed fields; many objects are worked on at a time; its
// client has no limit of its own. SCRIPTS are those of hack/bench/generator.c, and chosen as there: all patches in them are
// server-side applies. "ready" on stdout tells that its caches are filled.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

const (
	concurrent = 32 // as many objects at a time as the operator
	manages    = "gitlab-runner-controller"
	credential = "gitlab"
)

// ---------------------------------------------------------------------------------------------------------------------
// The kind

var group = schema.GroupVersion{Group: "yardstick.gitlab-runners.dev", Version: "v1beta1"}

type Status struct {
	ObservedGeneration int64              `json:"observedGeneration,omitempty"`
	Conditions         []metav1.Condition `json:"conditions,omitempty"`
	RunnerID           int64              `json:"runnerId,omitempty"`
}

type GitLabRunner struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              runtime.RawExtension `json:"spec,omitempty"`
	Status            Status               `json:"status,omitempty"`
}

type GitLabRunnerList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []GitLabRunner `json:"items"`
}

func (r *GitLabRunner) DeepCopyObject() runtime.Object {
	c := *r
	r.ObjectMeta.DeepCopyInto(&c.ObjectMeta)
	r.Spec.DeepCopyInto(&c.Spec)
	c.Status.Conditions = append([]metav1.Condition(nil), r.Status.Conditions...)
	return &c
}

func (l *GitLabRunnerList) DeepCopyObject() runtime.Object {
	c := *l
	c.Items = make([]GitLabRunner, len(l.Items))
	for i := range l.Items {
		c.Items[i] = *l.Items[i].DeepCopyObject().(*GitLabRunner)
	}
	return &c
}

// ---------------------------------------------------------------------------------------------------------------------
// The scripts

type request struct {
	method, url, body string
}

func readScripts(path string) (scripts [][]request) {
	content, err := os.ReadFile(path)
	must(err)
	for in := bufio.NewReader(bytes.NewReader(content)); ; {
		var r request
		var kind, accept string
		var number, length int
		if n, _ := fmt.Fscanf(in, "%d %s %s %s %s %d\n", &number, &r.method, &r.url, &kind, &accept, &length); n < 6 {
			return scripts
		}
		body := make([]byte, length+1) // and a line feed
		_, err := io.ReadFull(in, body)
		must(err)
		r.body = string(body[:length])
		if number == len(scripts) {
			scripts = append(scripts, nil)
		}
		scripts[number] = append(scripts[number], r)
	}
}

// scriptFor goes by the number at the end of the object's name.
func (r *reconciler) scriptFor(name string) []request {
	number, _ := strconv.Atoi(name[strings.LastIndex(name, "-")+1:])
	return r.scripts[number%len(r.scripts)]
}

func (r request) filled(o *GitLabRunner, version string) []byte {
	own := strings.NewReplacer("@NAMESPACE@", o.Namespace, "@NAME@", o.Name, "@UID@", string(o.UID),
		"@VERSION@", version)
	return []byte(own.Replace(r.body))
}

// ---------------------------------------------------------------------------------------------------------------------
// The controller

type reconciler struct {
	client.Client
	live    client.Reader
	scripts [][]request
	done    sync.Map // uid: generation, while the cache does not show it
}

func child(kind, version, ns, name string) *metav1.PartialObjectMetadata {
	o := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name}}
	o.SetGroupVersionKind(schema.FromAPIVersionAndKind(version, kind))
	return o
}

func children(ns, name string) []client.Object {
	name += "-runner"
	return []client.Object{
		child("Secret", "v1", ns, name+"-token"),
		child("Secret", "v1", ns, name+"-config"),
		child("ServiceAccount", "v1", ns, name),
		child("RoleBinding", "rbac.authorization.k8s.io/v1", ns, ns+"."+name),
		&appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name}},
	}
}

func (r *reconciler) complete(ctx context.Context, o *GitLabRunner) bool {
	if o.Status.ObservedGeneration != o.Generation {
		return false
	}
	for _, c := range children(o.Namespace, o.Name) {
		if r.Get(ctx, client.ObjectKeyFromObject(c), c) != nil {
			return false
		}
	}
	return true
}

// perform sends one request of the script; for one about the object itself it tells the version that came of it.
func (r *reconciler) perform(ctx context.Context, step request, o *GitLabRunner, version string) (string, error) {
	body := step.filled(o, version)
	if !strings.HasPrefix(step.url, "/") { // at GitLab
		answer, err := http.Post(step.url, "application/json", bytes.NewReader(body))
		if err != nil {
			return version, err
		}
		defer answer.Body.Close()
		_, err = io.Copy(io.Discard, answer.Body)
		if answer.StatusCode/100 != 2 {
			return version, fmt.Errorf("%s: %s", step.url, answer.Status)
		}
		return version, err
	}
	u := &unstructured.Unstructured{}
	if err := json.Unmarshal(body, u); err != nil {
		return version, err
	}
	patch := client.RawPatch(types.ApplyPatchType, body)
	var err error
	switch {
	case step.method == "POST":
		return version, r.Create(ctx, u)
	case strings.Contains(step.url, "/status?"):
		err = r.Status().Patch(ctx, u, patch, client.FieldOwner(manages), client.ForceOwnership)
	default:
		err = r.Patch(ctx, u, patch, client.FieldOwner(manages), client.ForceOwnership)
	}
	if u.GetKind() == "GitLabRunner" && err == nil {
		version = u.GetResourceVersion()
	}
	return version, err
}

func (r *reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	o := &GitLabRunner{}
	if err := r.Get(ctx, req.NamespacedName, o); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if generation, ok := r.done.Load(o.UID); (ok && generation == o.Generation) || r.complete(ctx, o) {
		return ctrl.Result{}, nil
	}
	secret := &corev1.Secret{}
	if err := r.live.Get(ctx, client.ObjectKey{Namespace: o.Namespace, Name: credential}, secret); err != nil {
		return ctrl.Result{}, err
	}
	version := o.ResourceVersion
	for _, step := range r.scriptFor(o.Name) {
		var err error
		if version, err = r.perform(ctx, step, o, version); err != nil {
			return ctrl.Result{}, err
		}
	}
	r.done.Store(o.UID, o.Generation)
	return ctrl.Result{}, nil
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: peer SCRIPTS NAMESPACE")
	}
	ctrl.SetLogger(zap.New())
	scheme := runtime.NewScheme()
	must(clientgoscheme.AddToScheme(scheme))
	scheme.AddKnownTypes(group, &GitLabRunner{}, &GitLabRunnerList{})
	metav1.AddToGroupVersion(scheme, group)
	config := ctrl.GetConfigOrDie()
	config.QPS = -1
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:  scheme,
		Metrics: server.Options{BindAddress: "0"},
		Cache: cache.Options{DefaultNamespaces: map[string]cache.Config{os.Args[2]: {}},
			DefaultTransform: cache.TransformStripManagedFields()},
	})
	must(err)
	r := &reconciler{Client: mgr.GetClient(), live: mgr.GetAPIReader(), scripts: readScripts(os.Args[1])}
	must(ctrl.NewControllerManagedBy(mgr).For(&GitLabRunner{}).
		Owns(&corev1.Secret{}, builder.OnlyMetadata).
		Owns(&corev1.ServiceAccount{}, builder.OnlyMetadata).
		Owns(&rbacv1.RoleBinding{}, builder.OnlyMetadata).
		Owns(&appsv1.Deployment{}).
		WithOptions(controller.Options{MaxConcurrentReconciles: concurrent}).
		Complete(r))
	must(mgr.Add(manager.RunnableFunc(func(ctx context.Context) error {
		for _, o := range append(children("", ""), &GitLabRunner{}) {
			if _, err := mgr.GetCache().GetInformer(ctx, o); err != nil { // returns when it is filled
				return err
			}
		}
		fmt.Println("ready")
		return nil
	})))
	must(mgr.Start(ctrl.SetupSignalHandler()))
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
