package remuda;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.URI;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.util.Progressable;

/**
 * Storage as the metastore is to see it: every path is an empty folder that is there.
 *
 * <p>The metastore asks for the folder of whatever it registers, and makes it. Files are none of its business here: writers
 * bring them before they register anything, and with this class it needs neither an S3 client nor credentials.
 */
public class EmptyFileSystem extends FileSystem {
  private static final long BLOCK = 128L << 20;
  private URI uri;

  @Override
  public void initialize(URI name, Configuration configuration) throws IOException {
    super.initialize(name, configuration);
    setConf(configuration);
    uri = URI.create(name.getScheme() + "://" + (name.getAuthority() == null ? "" : name.getAuthority()) + "/");
  }

  @Override
  public URI getUri() {
    return uri;
  }

  @Override
  public Path getWorkingDirectory() {
    return new Path(uri);
  }

  @Override
  public void setWorkingDirectory(Path folder) {}

  @Override
  public FileStatus getFileStatus(Path path) {
    return new FileStatus(0, true, 1, BLOCK, 0, 0, FsPermission.getDirDefault(), "hive", "hive", makeQualified(path));
  }

  @Override
  public FileStatus[] listStatus(Path path) {
    return new FileStatus[0];
  }

  @Override
  public boolean mkdirs(Path path, FsPermission permission) {
    return true;
  }

  @Override
  public boolean delete(Path path, boolean recursive) {
    return true;
  }

  @Override
  public boolean rename(Path from, Path to) {
    return true;
  }

  @Override
  public FSDataInputStream open(Path path, int buffer) throws IOException {
    throw new FileNotFoundException(path + ": the metastore reads no files");
  }

  @Override
  public FSDataOutputStream create(
      Path path, FsPermission permission, boolean overwrite, int buffer, short copies, long block, Progressable progress)
      throws IOException {
    throw new IOException(path + ": the metastore writes no files");
  }

  @Override
  public FSDataOutputStream append(Path path, int buffer, Progressable progress) throws IOException {
    throw new IOException(path + ": the metastore writes no files");
  }
}
