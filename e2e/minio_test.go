package e2e

import (
	"crypto/sha1"
	"encoding/base64"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

func TestMinIO(t *testing.T) {
	c := startMinIO(t)
	c.testMainJob(t)
	c.testRefused(t, "a wrong audience", "a foreign key")
	t.Run("credentials that expire are renewed at the next prompt", c.testRenewal)
}

var minioRoot = aws.Credentials{AccessKeyID: "minioadmin", SecretAccessKey: "minioadmin123"}

// startMinIO starts a MinIO that trusts an issuer of ours. It fetches the
// issuer's documents over plain http, so they say another address there; MinIO
// never looks at a token's iss.
func startMinIO(t *testing.T) cloud {
	t.Helper()
	i := newIssuer(t)
	site := httptest.NewUnstartedServer(nil)
	site.Config.Handler = i.documents("http://" + site.Listener.Addr().String())
	site.Start()
	t.Cleanup(site.Close)

	address, dir := freeAddress(t), serverDir(t)
	startServer(t, "http://"+address+"/minio/health/ready", []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir,
		"MINIO_ROOT_USER=" + minioRoot.AccessKeyID, "MINIO_ROOT_PASSWORD=" + minioRoot.SecretAccessKey,
		"MINIO_BROWSER=off", "MINIO_UPDATE=off", "MINIO_CI_CD=1",
		"MINIO_IDENTITY_OPENID_CONFIG_URL=" + site.URL + "/.well-known/openid-configuration",
		"MINIO_IDENTITY_OPENID_CLIENT_ID=" + audience,
		"MINIO_IDENTITY_OPENID_CLIENT_SECRET=" + t.Name() + dir, // it would verify HMACs with this
		"MINIO_IDENTITY_OPENID_ROLE_POLICY=readwrite",
	}, "minio", "server", "--quiet", "--address", address, dir)

	admin{t, minioRoot}.makeBucket("http://"+address, "shop-assets")
	return cloud{
		issuer: i, sts: newWitness(t, "http://"+address), s3: "http://" + address,
		role: minioRole(audience), bucket: "shop-assets",
	}
}

// minioRole is how MinIO names the one role of an OpenID client.
func minioRole(client string) string {
	sum := sha1.Sum([]byte(client))
	return "arn:minio:iam:::role/" + base64.RawURLEncoding.EncodeToString(sum[:])
}
