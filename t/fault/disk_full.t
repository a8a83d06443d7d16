#!/usr/bin/perl
# The disk of the state folder gets full, of bytes and of files: new mail is put off at MAIL (452 4.3.1) while a reserve is
# kept, what is in the queue is delivered, bounced and noted out of that, and mail is taken again, without a restart, when
# there is room. Then all of it is gone in the midst of things, and then the journal's own disk is full, which is the same.
use strict;
use warnings;

use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Test::More;
use Time::HiRes qw(sleep);
use lib 't/lib';
use Poterne::Gateway;
use Poterne::Process qw(command_output free_port wait_until);
use Poterne::Sink;

use constant { MIB => 1024 * 1024, RESERVE => 8, FILES => 60, QUEUED => 12 };

plan skip_all => 'only root may mount a disk of its own' if $> != 0;
my @mounted;
END { command_output( 'umount', '-l', $_ ) for reverse @mounted }

my $root = tempdir( 'poterne-full-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;

sub mount_disk {
    my ($path) = @_;
    make_path($path);
    my ( $status, $output ) = command_output( 'mount', '-t', 'tmpfs', '-o', 'size=600m,nr_inodes=20000,mode=0755', 'tmpfs', $path );
    plan skip_all => "no disk can be mounted here: $output" if $status && !@mounted;
    die "$path: $output" if $status;
    push @mounted, $path;
    return $path;
}

# (bytes, files) that are used, and left.
sub usage {
    my ($path) = @_;
    my %size;
    for my $what (qw(used avail iused iavail)) {
        my ( undef, $output ) = command_output( 'df', '-B1', "--output=$what", $path );
        ( $size{$what} ) = $output =~ /(\d+)\s*\z/;
    }
    return \%size;
}

# The disk has so much room from now on. What is written at that moment may be in the way.
sub leave_bytes {
    my ( $path, $bytes ) = @_;
    my ( $status, $output ) = (1);
    wait_until( 10,
        sub { ( $status, $output ) = command_output( 'mount', '-o', 'remount,size=' . ( usage($path)->{used} + $bytes ), $path ); !$status } );
    die "remount: $output" if $status;
    return;
}

sub leave_files {
    my ( $path, $files ) = @_;
    my ( $status, $output ) = command_output( 'mount', '-o', 'remount,nr_inodes=' . ( usage($path)->{iused} + $files ), $path );
    die "remount: $output" if $status;
    return;
}

# What MAIL is answered, once it begins so; else the last answer.
sub mail_answers {
    my ( $gateway, $pattern, $parameters ) = @_;
    my $answer = '';
    wait_until(
        30,
        sub {
            my $smtp = $gateway->smtp;
            $smtp->hello;
            $answer = join ' ', $smtp->command( 'MAIL FROM:<anne@box.example>' . ( $parameters // '' ) );
            $smtp->quit;
            return $answer =~ $pattern;
        }
    );
    return $answer;
}

my $number = 0;

sub send_message {
    my ( $gateway, $to, $bytes ) = @_;
    my $text = "Subject: message\nX-Sequence: <" . ++$number . ">\n\n" . ( 'x' x 70 . "\n" ) x ( ( $bytes // 2000 ) / 71 );
    return eval { $gateway->send_one( from => 'anne@box.example', to => [$to], data => \$text ) } // { code => 0, text => $@ };
}

sub states_of {
    my ( $gateway, $address ) = @_;
    my %count;
    $count{ $_->{recipients}[0]{state} }++ for grep { $_->{id} } $gateway->poterne_json( 'trace', '--limit', 1000, $address );
    return \%count;
}

sub new_gateway {
    my ( $folder, $port, %queue ) = @_;
    return Poterne::Gateway->new(
        root     => $folder,
        settings => {
            smtp   => { size_limit => '60M' },
            queue  => { retry_first => '1s', retry_max => '1s', free_space_min => RESERVE . 'M', free_files_min => FILES, %queue },
            gate   => { inside => '{ 127.0.0.0/8 }' },
            limits => { shared => '{ 127.0.0.0/8 }' },
        },
        domains => {
            'box.example'  => { next_hop => Poterne::Gateway::maildir_hop($folder), recipients => ['@box.example'] },
            'sink.example' => { next_hop => "smtp://127.0.0.1:$port", recipients => ['@sink.example'] },
        }
    );
}

# --- the reserve ---

my $state = mount_disk("$root/state");
my $port = free_port();
my $gateway = new_gateway( $root, $port )->start;
my ($edge) = @{ $gateway->processes->{edge} };
is( send_message( $gateway, 'ok@sink.example' )->{code}, 250, "message $_ is queued, its next hop is down" ) for 1 .. QUEUED;
is( send_message( $gateway, 'never@sink.example' )->{code}, 250, 'and one that will be refused' );

leave_bytes( $state, ( RESERVE + 3 ) * MIB );
like( mail_answers( $gateway, qr/^452/, ' SIZE=20000000' ), qr/^452 4\.3\.1 /, 'what would cut into the reserve is put off' );
like( mail_answers( $gateway, qr/^250/, ' SIZE=10000' ),    qr/^250 /,           'what fits is taken' );
leave_bytes( $state, ( RESERVE - 2 ) * MIB );
like( mail_answers( $gateway, qr/^452/ ), qr/^452 4\.3\.1 /, 'at the reserve all is put off' );
is( send_message( $gateway, 'ok@sink.example' )->{code}, 452, 'to whomever' );

my $sink = Poterne::Sink->start( root => "$root/sink", smtp => 1, port => $port );
ok( $gateway->wait_for_empty_queue(60), 'what is queued is delivered, out of the reserve' );
is( scalar( () = $sink->messages('ok@sink.example') ), QUEUED, 'each of them' );
is( scalar( grep {/^Content-Type: multipart\/report/mi} $gateway->maildir_messages('anne@box.example') ), 1, 'a bounce is made, and delivered' );
ok( wait_until( 30, sub { ( states_of( $gateway, 'ok@sink.example' )->{delivered} // 0 ) == QUEUED } ), 'the journal knows all of it' );
like( $gateway->log_text, qr/less than queue\.free_space_min/, 'the log says why' );

leave_bytes( $state, 200 * MIB );
like( mail_answers( $gateway, qr/^250/ ), qr/^250 /, 'there is room again' );
is( send_message( $gateway, 'file@box.example' )->{code}, 250, 'and mail is taken' );

# --- files ---

leave_files( $state, FILES - 20 );
like( mail_answers( $gateway, qr/^452/ ), qr/^452 4\.3\.1 /, 'without files it is the same' );
leave_files( $state, 5000 );
like( mail_answers( $gateway, qr/^250/ ), qr/^250 /, 'until there are some' );

# --- a large message on its way ---

leave_bytes( $state, ( RESERVE + 10 ) * MIB );
like( mail_answers( $gateway, qr/^250/ ), qr/^250 /, 'room for some' );
my $large = send_message( $gateway, 'file@box.example', 40 * MIB );
is( $large->{code}, 452, 'one that did not say how large it is ends at half of the reserve' ) || diag $large->{text};
ok( wait_until( 20, sub { !$gateway->spooled('incoming') } ), 'nothing is left of it' );
cmp_ok( usage($state)->{avail}, '>', RESERVE * MIB, 'nor of the room that it took' );
like( mail_answers( $gateway, qr/^250/ ), qr/^250 /, 'and mail is taken' );
is( ( $gateway->processes->{edge} // [0] )->[0], $edge, 'by the same process' );
is( $gateway->stop, 0, 'all ends well' );

# --- no reserve: nothing at all is left ---

$sink->stop;
$gateway = new_gateway( $root, $port, free_space_min => 0, free_files_min => 0 )->start;
is( send_message( $gateway, 'late@sink.example' )->{code}, 250, "message $_ is queued, its next hop is down" ) for 1 .. QUEUED;
leave_bytes( $state, 64 * 1024 );
is( send_message( $gateway, 'file@box.example', 4 * MIB )->{code}, 452, 'the disk is full in the midst of a message' );
ok( wait_until( 20, sub { !$gateway->spooled('incoming') } ), 'nothing is left of it' );
leave_bytes( $state, 0 );
is( send_message( $gateway, 'file@box.example', 20_000 )->{code}, 452, 'there is not a byte' );
$sink = Poterne::Sink->start( root => "$root/sink", smtp => 1, port => $port );
ok( wait_until( 60, sub { ( () = $sink->messages('late@sink.example') ) >= QUEUED } ), 'what is queued is delivered all the same' );
sleep 3;    # tries, if there were any
leave_bytes( $state, 100 * MIB );
ok( $gateway->wait_for_empty_queue(90), 'and settled when there is room' );
is( scalar( () = $sink->messages('late@sink.example') ), QUEUED, '… once' );
ok( wait_until( 30, sub { ( states_of( $gateway, 'late@sink.example' )->{delivered} // 0 ) == QUEUED } ), 'the journal knows all of it' );
is( send_message( $gateway, 'file@box.example' )->{code}, 250, 'mail is taken' );
ok( $gateway->wait_for_empty_queue(60), 'and delivered' );
is( scalar( () = $gateway->spooled('corrupt') ), 0, 'a full disk damages nothing' );
is( $gateway->stop, 0, 'all ends well' );

# --- the journal on a disk of its own ---

my $other = mount_disk("$root/own/state/journal");
chmod 02770, $other;
$gateway = new_gateway( "$root/own", $port )->start;
is( send_message( $gateway, 'known@box.example' )->{code}, 250, 'a message' );
ok( $gateway->wait_for_empty_queue(60), 'is delivered' );
$sink->stop;
is( send_message( $gateway, 'owed@sink.example' )->{code}, 250, "message $_ is queued, its next hop is down" ) for 1 .. 3;
leave_bytes( $other, 0 );
like( mail_answers( $gateway, qr/^452/ ), qr/^452 4\.3\.1 /, "the journal's disk is full: new mail is put off" );
like( $gateway->log_text, qr{/own/state/journal has \d+ bytes left .* less than queue\.free_space_min}, 'the log says of which disk' );
$sink = Poterne::Sink->start( root => "$root/sink", smtp => 1, port => $port );
ok( wait_until( 60, sub { ( () = $sink->messages('owed@sink.example') ) == 3 } ), 'what is queued is delivered' );
sleep 2;
cmp_ok( scalar( () = $gateway->spooled('queue') ), '>', 0, 'their files wait for the journal' );
leave_bytes( $other, 100 * MIB );
ok( $gateway->wait_for_empty_queue(90), 'until it has noted them' );
is( states_of( $gateway, 'owed@sink.example' )->{delivered}, 3, 'which it has' );
is( scalar( () = $sink->messages('owed@sink.example') ), 3, 'once each' );
like( mail_answers( $gateway, qr/^250/ ), qr/^250 /, 'and mail is taken again' );
is( $gateway->stop, 0, 'all ends well' );
done_testing();
