# A gateway of the tree that was built, with its settings, state and log below one folder: for the
# system tests, the benchmark and ./demo.
package Poterne::Gateway;

use strict;
use warnings;

use Cwd qw(getcwd);
use File::Path qw(make_path);
use IO::Socket::INET;
use JSON::PP ();

use Poterne::Files qw(write_file);
use Poterne::Process qw(free_port wait_until start_process stop_process alive command_output command_answer);
use Poterne::Smtp;

use constant { READY_SECONDS => 120, STOP_SECONDS => 60, UID_FIRST => 64100 };

# Options: root (folder), port, build (folder), settings ({ section => { name => value as written } },
# section '' is the top), domains ({ name => { next_hop => …, recipients => [lines], dmarc => …,
# directory => sources as written, more => settings as written } }), sections (text of further ones, behind all others),
# under ([words]: what poterned is run by, which execs it).
sub new {
    my ( $class, %option ) = @_;
    my $self = bless {
        build    => $ENV{POTERNE_BUILD} // 'build',
        settings => {},
        domains  => {},
        tree     => getcwd(),
        %option
    }, $class;
    $self->{build} = "$self->{tree}/$self->{build}" if $self->{build} !~ m{^/};
    $self->{port} //= free_port();
    $self->{conf} = "$self->{root}/poterne.conf";
    $self->{log} = "$self->{root}/poterned.log";
    make_path( $self->{root} );
    $self->write_recipients($_) for keys %{ $self->{domains} };
    $self->write_conf;
    return $self;
}

# A changed list is taken up by the directory process on its own.
sub write_recipients {
    my ( $self, $domain, @lines ) = @_;
    @lines = @{ $self->{domains}{$domain}{recipients} // [] } if !@lines;
    $self->{domains}{$domain}{recipients} = \@lines;
    write_file( "$self->{root}/recipients-$domain", join '', map { "$_\n" } @lines );
    return;
}

sub settings {
    my ($self) = @_;
    my ( $tree, $root ) = @{$self}{qw(tree root)};
    my %default = (
        ''     => {
            hostname  => 'mx.poterne.example',
            managers  => '{ postmaster@poterne.example }',
            state_dir => qq("$root/state"),
            run_dir   => qq("$root/run"),
            $> == 0 ? ( uid_first => UID_FIRST ) : (),
        },
        directory => {
            files => '{ ' . join( ', ', map { qq("$root/recipients-$_") } sort keys %{ $self->{domains} } ) . ' }'
        },
        smtp      => { listen => qq({ "127.0.0.1:$self->{port}" }) },
        spam      => { rules  => qq({ "$tree/rules/stock" }) },
        antivirus => {
            clamav_databases => qq("$tree/antivirus/demo/clamav"),
            yara_rules       => qq("$tree/antivirus/demo/yara"),
            file_policy      => qq("$tree/antivirus/files/file-policy"),
        },
        queue    => { free_space_min => '0' },
        backup   => { at => '""' }, # none comes in between at night
        resolver => { enabled => 'no' }, # a test that wants the DNS brings one: Poterne::Dns
    );
    for my $section ( keys %{ $self->{settings} } ) {
        $default{$section} = { %{ $default{$section} // {} }, %{ $self->{settings}{$section} } };
    }
    return \%default;
}

# A list stands as it is written.
sub quoted {
    my ($value) = @_;
    return $value =~ /^\{/ ? $value : qq("$value");
}

sub conf_text {
    my ($self) = @_;
    my $settings = $self->settings;
    my $text = '';
    for my $section ( sort keys %$settings ) {
        my $lines = join '', map { "$_ = $settings->{$section}{$_}\n" } sort keys %{ $settings->{$section} };
        $text .= $section eq '' ? $lines : "\n$section {\n" . ( $lines =~ s/^/    /mgr ) . "}\n";
    }
    for my $domain ( sort keys %{ $self->{domains} } ) {
        my ( $dmarc, $directory, $more ) = @{ $self->{domains}{$domain} }{qw(dmarc directory more)};
        $text .= "\ndomain $domain {\n    next_hop = " . quoted( $self->{domains}{$domain}{next_hop} ) . "\n"
            . ( defined $dmarc ? "    dmarc = $dmarc\n" : '' )
            . ( $directory     ? "    directory = { $directory }\n" : '' )
            . ( $more          ? "    $more\n" : '' ) . "}\n";
    }
    return $text . ( $self->{sections} // '' );
}

sub write_conf {
    my ( $self, $text ) = @_;
    write_file( $self->{conf}, $text // $self->conf_text );
    return;
}

sub log_text {
    my ($self) = @_;
    open my $file, '<', $self->{log} or return '';
    local $/;
    return <$file> // '';
}

# Waits until the log, from where it stood at `from`, says it.
sub wait_for_log {
    my ( $self, $pattern, $from, $seconds ) = @_;
    return wait_until( $seconds // READY_SECONDS, sub { substr( $self->log_text, $from // 0 ) =~ $pattern } );
}

sub start {
    my ($self) = @_;
    my $from = length $self->log_text;
    # built with sanitizers: the search for leaks is a ptrace, which the sandbox forbids
    local $ENV{ASAN_OPTIONS} = 'detect_leaks=0';
    $self->{pid} = start_process( $self->{log}, @{ $self->{under} // [] }, "$self->{build}/gateway/poterned", '-c', $self->{conf} );
    my $ready = wait_until( READY_SECONDS,
        sub { substr( $self->log_text, $from ) =~ /ready: every process/ || !alive( $self->{pid} ) } );
    die "the gateway does not start, its log ends with:\n" . $self->log_end if !$ready || !alive( $self->{pid} );
    return $self;
}

sub log_end {
    my ($self) = @_;
    my @lines = split /^/, $self->log_text;
    return join '', @lines > 20 ? @lines[ -20 .. -1 ] : @lines;
}

# The exit status of poterned, or undef when it had to be killed.
sub stop {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return 0;
    my $status = stop_process( $pid, 'TERM', STOP_SECONDS );
    my @reports = grep { /ERROR: AddressSanitizer|ERROR: LeakSanitizer|: runtime error:/ } split /^/, $self->log_text;
    print STDERR "# $self->{log}: $_" for @reports;
    return defined $status && !@reports ? $status >> 8 : undef;
}

# All at once and without a word, as a power cut does.
sub crash {
    my ($self) = @_;
    my $pid = delete $self->{pid} or die "the gateway does not run\n";
    kill 'KILL', $pid, map { @$_ } values %{ processes_below($pid) };
    stop_process( $pid, 'KILL', 10 );
    # what was being started meanwhile ends on its own, and has the port until then
    wait_until( 20, sub { IO::Socket::INET->new( LocalAddr => '127.0.0.1', LocalPort => $self->{port}, Listen => 1, ReuseAddr => 1 ) } );
    return;
}

# The section limits_inside of who sends more than people do.
sub no_limits_inside {
    return { map { $_ => 0 } qw(messages_per_hour recipients_per_15min recipients_per_hour) };
}

# True: taken up by all processes; false: refused.
sub reload {
    my ($self) = @_;
    my $from = length $self->log_text;
    kill 'HUP', $self->{pid} or die "the gateway does not run\n";
    $self->wait_for_log( qr/reload: new settings|reload refused/, $from, 20 );
    return 0 if substr( $self->log_text, $from ) =~ /reload refused/;
    return $self->wait_for_log( qr/ready: every process/, $from );
}

# The kernel's own name of a process is cut to 15 bytes.
sub role_of {
    my ($pid) = @_;
    open my $file, '<', "/proc/$pid/cmdline" or return '';
    my ($program) = split /\0/, readline($file) // '';
    return ( $program // '' ) =~ s{^.*/}{}r =~ s/^poterne-//r;
}

# { role => [pids] } of what runs below a process.
sub processes_below {
    my ($top) = @_;
    my ( %children, %name );
    for my $stat ( glob '/proc/[0-9]*/stat' ) {
        open my $file, '<', $stat or next;
        my ( $pid, $parent ) = ( readline($file) // '' ) =~ /^(\d+) \(.*\) \S (\d+)/ or next;
        push @{ $children{$parent} }, $pid;
        $name{$pid} = role_of($pid);
    }
    my %found;
    my @todo = @{ $children{$top} // [] };
    while ( defined( my $pid = shift @todo ) ) {
        push @{ $found{ $name{$pid} } }, $pid;
        push @todo, @{ $children{$pid} // [] };
    }
    return \%found;
}

# A signal to all processes of a role, or of `take`'s choice among them; how many there were. (A
# process that is not there would be number 0: the test itself and all around it.)
sub signal_role {
    my ( $self, $signal, $role, $take ) = @_;
    my @pids = @{ $self->processes->{$role} // [] };
    @pids = $take->(@pids) if $take && @pids;
    return @pids ? kill( $signal, @pids ) : 0;
}

sub processes {
    my ($self) = @_;
    return { %{ processes_below( $self->{pid} ) }, poterned => [ $self->{pid} ] };
}

# { role => MB } of what is in memory; what several share is counted once among them (PSS).
sub memory_of {
    my ($processes) = @_;
    my %megabytes;
    for my $role ( keys %$processes ) {
        for my $pid ( @{ $processes->{$role} } ) {
            open my $file, '<', "/proc/$pid/smaps_rollup" or next;
            my ($kilobytes) = map { /^Pss:\s+(\d+)/ } <$file>;
            $megabytes{$role} += ( $kilobytes // 0 ) / 1000;
        }
    }
    return \%megabytes;
}

sub smtp {
    my ( $self, %option ) = @_;
    return Poterne::Smtp->new( port => $self->{port}, %option );
}

# One message on a connection of its own; from, to and data as Poterne::Smtp::send.
sub send_one {
    my ( $self, %mail ) = @_;
    my $smtp = $self->smtp;
    my $result = $smtp->send(%mail);
    $smtp->quit;
    return $result;
}

# (exit status, output) of a poterne command with this gateway's settings.
sub poterne {
    my ( $self, $command, @arguments ) = @_;
    return command_output( "$self->{build}/poterne", $command, '--config', $self->{conf}, @arguments );
}

# The objects that `poterne COMMAND --json …` prints.
sub poterne_json {
    my ( $self, $command, @arguments ) = @_;
    my ( undef, $output ) =
        command_answer( "$self->{build}/poterne", $command, '--config', $self->{conf}, @arguments, '--json' );
    my @objects = map { eval { JSON::PP->new->utf8->decode($_) } // () } grep { /^\{/ } split /\n/, $output;
    return @objects;
}

# What delivery wrote for an address into the Maildir of a `maildir://ROOT/mail/%d/%u` next hop.
sub maildir_hop {
    my ($root) = @_;
    make_path("$root/mail");
    chmod 0777, "$root/mail";    # the gateway's processes run as users of their own
    return "maildir://$root/mail/%d/%u";
}

sub maildir_messages {
    my ( $self, $address ) = @_;
    my ( $user, $domain ) = split /\@/, $address;
    my @messages;
    for my $path ( glob "$self->{root}/mail/$domain/$user/new/*" ) {
        open my $file, '<', $path or die "$path: $!\n";
        local $/;
        push @messages, scalar <$file>;
    }
    return @messages;
}

# Ids of what lies in a folder of the state: queue, quarantine, corrupt, incoming.
sub spooled {
    my ( $self, $folder ) = @_;
    opendir my $handle, "$self->{root}/state/$folder" or return;
    return grep { /^[0-9A-Z]{26}$/ } readdir $handle;
}

sub wait_for_empty_queue {
    my ( $self, $seconds ) = @_;
    return wait_until( $seconds // 60, sub { !$self->spooled('queue') } );
}

1;
