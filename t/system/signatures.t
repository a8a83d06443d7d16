#!/usr/bin/perl
# New signatures are taken up on their own, beside those that serve: written in pieces, by rename,
# by freshclam and its NotifyClamd; what is wrong is refused with file and line and the old ones serve.
use strict;
use warnings;

use File::Copy qw(copy);
use File::Temp qw(tempdir);
use IO::Socket::UNIX;
use Test::More;
use Time::HiRes qw(sleep);
use lib 't/lib';
use Poterne::Gateway;
use Poterne::Mail qw(eicar letter);
use Poterne::Process qw(command_output);

use constant { SETTLED => 20, STILL => 8 };

my $to = 'jean@signatures.example';
my $root = tempdir( 'poterne-signatures-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
mkdir "$root/$_" for qw(clamav yara freshclam);
copy( 'antivirus/demo/clamav/eicar.ndb', "$root/clamav/eicar.ndb" ) or die "$!\n";
copy( 'antivirus/demo/yara/eicar.yar', "$root/yara/eicar.yar" ) or die "$!\n";
my $socket = "$root/clamd.sock";
my $gateway = Poterne::Gateway->new(
    root     => $root,
    settings => {
        antivirus => {
            clamav_databases => qq("$root/clamav"),
            yara_rules       => qq("$root/yara"),
            found            => 'reject',
            notify_socket    => qq("$socket"),
            eicar_known_by   => '{ clamav }',
        }
    },
    domains => { 'signatures.example' => { next_hop => Poterne::Gateway::maildir_hop($root), recipients => [$to] } }
)->start;

# 250 or 550
sub answer_to {
    my ($word) = @_;
    my $message = letter( $to, 'a subject', "A word: $word.\n" );
    return $gateway->send_one( from => 'a@remote.example', to => [$to], data => \$message )->{code};
}

sub signature {
    my (@words) = @_;
    return join '', map { "Test.$_:0:*:" . unpack( 'H*', "A word: $_." ) . "\n" } @words;
}

sub put {
    my ( $path, $text ) = @_;
    Poterne::Gateway::write_file( "$root/$path", $text );
    return;
}

# Does something, and waits for a generation that serves after it.
sub served_after {
    my ( $change, $seconds ) = @_;
    my $from = length $gateway->log_text;
    $change->();
    return $gateway->wait_for_log( qr/antivirus\[\d+\] serves/, $from, $seconds // SETTLED );
}

sub refused_after {
    my ($change) = @_;
    my $from = length $gateway->log_text;
    $change->();
    $gateway->wait_for_log( qr/new signatures are refused and the old ones serve on/, $from, SETTLED ) or return 'not refused';
    return substr $gateway->log_text, $from;
}

sub status {
    my ($status) = $gateway->poterne_json('antivirus');
    return $status // {};
}

sub count_log {
    my ($pattern) = @_;
    return scalar( () = $gateway->log_text =~ /$pattern/g );
}

sub say_to_socket {
    my ($words) = @_;
    my $connection = IO::Socket::UNIX->new( Peer => $socket ) or return "no connection: $!";
    print {$connection} $words;
    local $/;
    return readline($connection) // '';
}

# --- what serves ---

is( answer_to('salamander'), 250, 'a word that nothing is known of' );
my $status = status();
is( $status->{engines}[0]{signatures}, 1, 'poterne antivirus: one signature' );
is( $status->{engines}[1]{engine}, 'yara', 'and the second engine' );
cmp_ok( $status->{memory}, '>', 1e6, 'and what it takes of memory' );
my $generation = $status->{generation};

# --- changes ---

ok( served_after( sub { put( 'clamav/one.ndb', signature('salamander') ) } ), 'a new file is taken up' );
is( answer_to('salamander'), 550, 'and known' );
$status = status();
is( $status->{engines}[0]{signatures}, 2, 'two signatures now' );
is( $status->{generation}, $generation + 1, 'the next generation' );
cmp_ok( $status->{engines}[0]{answers}{infected}, '==', 1, 'which found one message infected' );

my $served = count_log(qr/antivirus\[\d+\] serves/);
ok( served_after(
        sub {
            # a large file that is copied there slowly, and is no signature file in the middle of a line
            open my $file, '>', "$root/clamav/two.ndb" or die "$!\n";
            $file->autoflush;
            for my $piece ( split /(?<=0:\*:)/, signature(qw(newt axolotl olm)) ) {
                print {$file} $piece;
                sleep 1;
            }
            close $file;
        }
    ),
    'a file that is written slowly is taken up'
);
is( answer_to('olm'), 550, 'with its last line' );
is( count_log(qr/antivirus\[\d+\] serves/), $served + 1, 'once' );

$served = count_log(qr/antivirus\[\d+\] serves/);
ok( served_after( sub { put( "clamav/many$_.ndb", signature("frog$_") ) for 1 .. 200 } ), 'many files at once' );
is( answer_to('frog200'), 550, 'are known' );
sleep STILL;
is( count_log(qr/antivirus\[\d+\] serves/), $served + 1, 'after one load' );
ok( served_after( sub { unlink glob "$root/clamav/many*.ndb" } ), 'many that go' );
is( answer_to('frog200'), 250, 'are no longer known' );

put( 'clamav/freshclam.dat', 'x' );
put( 'clamav/notes.txt', 'x' );

# --- what is refused ---

my $said = refused_after( sub { put( 'yara/broken.yar', "rule one { condition: false }\nrule two {\n  strings: \$a = nonsense\n  condition: \$a\n}\n" ) } );
like( $said, qr{/yara/broken\.yar:3: }, 'a broken YARA rule is refused with file and line' );
is( answer_to('salamander'), 550, 'the old ones serve' );
my $loads = count_log(qr/clamav_databases|YARA \S+ \d+ rules|broken\.yar:3/);
sleep STILL;
is( count_log(qr/clamav_databases|YARA \S+ \d+ rules|broken\.yar:3/), $loads, 'it is not tried again and again' );
ok( served_after( sub { put( 'yara/broken.yar', "rule two {\n  strings: \$a = \"A word: toad.\"\n  condition: \$a\n}\n" ) } ), 'mended, it is taken up' );
is( answer_to('toad'), 550, 'and known' );

$said = refused_after( sub { put( 'clamav/bad.ndb', "Test.Bad:0:*:xyz\n" ) } );
like( $said, qr{cannot load the signatures in \Q$root\E/clamav}, 'a malformed ClamAV file is refused' );
like( $said, qr{bad\.ndb}, 'by name' );
$said = refused_after( sub { put( 'clamav/bad.ndb', 'Test.Everything:0:*:' . unpack( 'H*', 'harmless' ) . "\n" ) } );
like( $said, qr/a harmless test letter is not clean but infected \(Test\.Everything/, 'signatures that find all mail infected, too' );
unlink "$root/clamav/bad.ndb";
$said = refused_after( sub { rename "$root/clamav/eicar.ndb", "$root/eicar.ndb" } );
like( $said, qr/clamav: the EICAR test file is not infected but clean/, 'and those that do not know EICAR, where they should' );
is( answer_to('toad'), 550, 'the last good ones serve all the while' );
rename "$root/eicar.ndb", "$root/clamav/eicar.ndb";
sleep STILL;
is( answer_to('toad'), 550, 'and when all is as it was' );

# --- what freshclam says ---

is( say_to_socket("RELOAD\0"), "RELOADING\n", 'RELOAD as freshclam sends it' );
is( say_to_socket("nPING\n"), "PONG\n", 'PING' );
like( say_to_socket("zVERSION\0"), qr/^ClamAV 1\.[^\n]*\0\z/, 'VERSION' );
is( say_to_socket("nSHUTDOWN\n"), "UNKNOWN COMMAND\n", 'and nothing else' );
sleep STILL;    # RELOAD again and again is not heard
$served = count_log(qr/antivirus\[\d+\] serves/);
ok( served_after(
        sub {
            put( 'clamav/one.ndb', signature('salamander') . signature('cobra') );
            say_to_socket("RELOAD\0");
            sleep 1;
            put( 'clamav/one.ndb', signature(qw(salamander cobra siren)) );
        }
    ),
    'after a RELOAD that came too early'
);
is( answer_to('siren'), 550, 'the whole set is known' );
is( count_log(qr/antivirus\[\d+\] serves/), $served + 1, 'and half of it was not loaded' );

SKIP: {
    my $freshclam = '/usr/bin/freshclam';
    skip 'package clamav-freshclam is not installed', 3 if !-x $freshclam;
    put( 'freshclam/caecilian.ndb', signature('caecilian') );
    put( 'clamd.conf', "LocalSocket $socket\n" );
    my $owner = getpwuid $>;
    put( 'freshclam.conf',
        "DatabaseDirectory $root/clamav\nDatabaseOwner $owner\nDatabaseMirror localhost\n"
            . "DatabaseCustomURL file://$root/freshclam/caecilian.ndb\nNotifyClamd $root/clamd.conf\n" );
    my ( $code, $output );
    ok( served_after( sub { ( $code, $output ) = command_output( $freshclam, "--config-file=$root/freshclam.conf", '--update-db=custom', '--stdout' ) } ),
        'freshclam brings a database' );
    like( $output, qr/successfully notified/, 'and tells of it' ) or diag($output);
    is( answer_to('caecilian'), 550, 'which is known then' );
}

is( $gateway->stop, 0, 'the gateway stops as asked' );
done_testing();
