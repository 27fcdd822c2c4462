// Reads an object again and again, for some seconds: client.cjs ENDPOINT BUCKET KEY SECONDS
const { S3Client, HeadObjectCommand } = require("@aws-sdk/client-s3");

const [endpoint, Bucket, Key, seconds] = process.argv.slice(2);
const s3 = new S3Client({ endpoint, region: "us-east-1", forcePathStyle: true, maxAttempts: 1 });

(async () => {
  let requests = 0;
  for (const end = Date.now() + 1000 * seconds; requests === 0 || Date.now() < end; requests++) {
    await s3.send(new HeadObjectCommand({ Bucket, Key }));
    await new Promise((done) => setTimeout(done, 250));
  }
  console.log(requests);
})();
