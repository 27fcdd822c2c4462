"""Reads an object again and again, for some seconds: client.py ENDPOINT BUCKET KEY SECONDS"""

import sys
import time

import boto3
from botocore.config import Config

endpoint, bucket, key, seconds = sys.argv[1:]
config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
s3 = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", config=config)

requests = 0
end = time.monotonic() + float(seconds)
while requests == 0 or time.monotonic() < end:
    s3.head_object(Bucket=bucket, Key=key)
    requests += 1
    time.sleep(0.25)
print(requests)
