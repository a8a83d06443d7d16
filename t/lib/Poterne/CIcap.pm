# A private c-icap below a folder, on a port of the loopback, whose service avscan asks a clamd.
package Poterne::CIcap;

use strict;
use warnings;

use File::Path qw(make_path);

use Poterne::Process qw(free_port wait_for_port start_process stop_process);

my ($FOLDER) = glob '/usr/lib/*/c_icap';

my $SETTINGS = <<'EOF';
PidFile %{root}/c-icap.pid
CommandsSocket %{root}/c-icap.ctl
Timeout 30
MaxKeepAliveRequests 100
KeepAliveTimeout 30
StartServers 1
MaxServers 2
MinSpareThreads 2
MaxSpareThreads 4
ThreadsPerChild 4
Port 127.0.0.1:%{port}
TmpDir %{root}
ServerAdmin postmaster@poterne.example
ServerName scanner.poterne.example
ModulesDir %{folder}
ServicesDir %{folder}
TemplateDir /usr/share/c_icap/templates/
TemplateDefaultLanguage en
LoadMagicFile /etc/c-icap/c-icap.magic
ServerLog %{root}/server.log
AccessLog %{root}/access.log
Module common clamd_mod.so
clamd_mod.ClamdSocket %{clamd}
Service antivirus_module virus_scan.so
ServiceAlias avscan virus_scan?allow204=on&sizelimit=off&mode=simple
ServiceAlias all virus_scan?allow204=off&sizelimit=off&mode=simple
virus_scan.ScanFileTypes TEXT DATA EXECUTABLE ARCHIVE GIF JPEG MSOFFICE
virus_scan.MaxObjectSize 50M
virus_scan.DefaultEngine clamd
EOF

sub there {
    my ($program) = grep { -x } qw(/usr/bin/c-icap /usr/sbin/c-icap);
    return $FOLDER && -e "$FOLDER/virus_scan.so" && -e "$FOLDER/clamd_mod.so" ? $program : undef;
}

sub start {
    my ( $class, $root, $clamd ) = @_;
    my $self = bless { root => $root, port => free_port() }, $class;
    make_path($root);
    my %value = ( root => $root, port => $self->{port}, folder => $FOLDER, clamd => $clamd );
    ( my $settings = $SETTINGS ) =~ s/%\{(\w+)\}/$value{$1}/g;
    open my $file, '>', "$root/c-icap.conf" or die "$root/c-icap.conf: $!\n";
    print {$file} $settings;
    close $file or die "$root/c-icap.conf: $!\n";
    return $self->again;
}

# At the same place, after stop().
sub again {
    my ($self) = @_;
    unlink "$self->{root}/c-icap.ctl";
    $self->{pid} = start_process( "$self->{root}/c-icap.out", there(), '-N', '-f', "$self->{root}/c-icap.conf" );
    wait_for_port( $self->{port}, 30, $self->{pid} ) or die "c-icap does not start, see $self->{root}/server.log\n";
    return $self;
}

# Its processes share its group.
sub stop {
    my ( $self, $signal ) = @_;
    my $pid = delete $self->{pid} or return;
    stop_process( $pid, $signal // 'TERM' );
    kill 'KILL', -$pid;
    return;
}

1;
