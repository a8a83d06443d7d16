# A private Postfix below a folder, without any filter, that relays everything to one next hop: what
# the benchmark compares with. Only root can run one.
package Poterne::Postfix;

use strict;
use warnings;

use File::Path qw(make_path);

use Poterne::Files qw(write_file);
use Poterne::Process qw(free_port wait_for_port wait_until command_output);

my $MAIN = <<'EOF';
compatibility_level = 3.6
queue_directory = %{root}/queue
data_directory = %{root}/data
maillog_file = %{root}/postfix.log
maillog_file_prefixes = %{root}
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = postfix.bench.example
mydestination =
mynetworks = 127.0.0.0/8
relay_domains = %{domain}
relay_recipient_maps = hash:%{root}/recipients
transport_maps = inline:{ %{domain}=%{protocol}:[127.0.0.1]:%{sink} }
smtpd_recipient_restrictions = reject_unauth_destination
smtpd_client_connection_count_limit = 200
smtp_destination_concurrency_limit = 20
default_process_limit = 100
message_size_limit = 20971520
alias_maps =
alias_database =
%{more}
EOF

my $MASTER = <<'EOF';
%{host}:%{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
%{also}
EOF

sub there {
    return $> == 0 && -x '/usr/sbin/postfix' && -x '/usr/lib/postfix/sbin/smtpd';
}

# Options: root, domain, recipients, sink (port of the next hop), protocol of it ("smtp" or "lmtp"), host, port, more
# (lines of main.cf), also (lines of master.cf).
sub start {
    my ( $class, %option ) = @_;
    my $self = bless { port => free_port(), host => '127.0.0.1', protocol => 'smtp', more => '', also => '', %option }, $class;
    make_path( "$self->{root}/etc", "$self->{root}/queue" );
    mkdir "$self->{root}/data";
    chown scalar getpwnam('postfix'), -1, "$self->{root}/data";
    my %text = ( 'main.cf' => without_those_of( $self->{more}, $MAIN ), 'master.cf' => $MASTER );
    for my $name ( keys %text ) {
        ( my $filled = $text{$name} ) =~ s/%\{(\w+)\}/$self->{$1}/g;
        write_file( "$self->{root}/etc/$name", $filled );
    }
    write_file( "$self->{root}/recipients", join '', map { "$_ x\n" } @{ $self->{recipients} } );
    $self->run( '/usr/sbin/postmap', '-c', "$self->{root}/etc", "hash:$self->{root}/recipients" );
    $self->run( '/usr/sbin/postfix', '-c', "$self->{root}/etc", 'start' );
    $self->{running} = 1;
    wait_for_port( $self->{port}, 20, undef, $self->{host} ) or die "Postfix does not listen on $self->{port}\n";
    return $self;
}

# The lines but those that `more` says otherwise. Postfix warns of an entry that stands twice, also from its log
# process, to itself before it listens: where ten others have warned before, it waits for itself for ever.
sub without_those_of {
    my ( $more, $lines ) = @_;
    my %said = map { /^(\w+)\s*=/ ? ( $1 => 1 ) : () } split /\n/, $more;
    return join '', grep { !/^(\w+) =/ || !$said{$1} } split /^/, $lines;
}

sub run {
    my ( $self, @command ) = @_;
    my ( $status, $output ) = command_output(@command);
    die "@command: $output" if $status;
    return $output;
}

sub master_pid {
    my ($self) = @_;
    open my $file, '<', "$self->{root}/queue/pid/master.pid" or return;
    return readline($file) =~ /(\d+)/ ? $1 : undef;
}

sub queued {
    my ($self) = @_;
    my $n = 0;
    for my $folder ( glob "$self->{root}/queue/{incoming,active,deferred}" ) {
        $n += grep { -f } glob("$folder/*"), glob("$folder/*/*");
    }
    return $n;
}

sub stop {
    my ($self) = @_;
    return if !delete $self->{running};
    command_output( '/usr/sbin/postfix', '-c', "$self->{root}/etc", 'stop' );
    return;
}

sub DESTROY {
    my ($self) = @_;
    local $?;
    $self->stop;
    return;
}

1;
