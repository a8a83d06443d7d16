#!/usr/bin/perl
# The antivirus process with an engine that has been taken over (av_prisoner): from inside a scan it gets no socket, no
# file but in its own temporary folder, no other process and no program.
use strict;
use warnings;

use File::Copy qw(copy);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use JSON::PP ();
use Test::More;
use lib 't/lib';
use Poterne::Gateway;
use Poterne::Mail qw(letter);
use Poterne::Process qw(wait_until);

my $build = $ENV{POTERNE_BUILD} // 'build';
my $prisoner = "$build/t/system/av_prisoner";
plan skip_all => "$prisoner is not built" if !-x $prisoner;

my $to = 'jean@prison.example';
my $root = tempdir( 'poterne-prison-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;

# The programs as they are, but for one.
make_path("$root/build/gateway");
for my $program ( "$build/poterne", grep { -x && -f } glob "$build/gateway/poterne*" ) {
    my $copy = "$root/build/" . substr $program, 1 + length $build;
    copy( $program =~ /poterne-antivirus$/ ? $prisoner : $program, $copy ) or die "$copy: $!\n";
    chmod 0755, $copy;
}
my $gateway = Poterne::Gateway->new(
    root     => "$root/gateway",
    build    => "$root/build",
    settings => { antivirus => { engines => '{ yara }', workers => 2 } },
    domains  => {
        'prison.example' => { next_hop => Poterne::Gateway::maildir_hop("$root/gateway"), recipients => [$to] }
    }
)->start;
chmod 0644, "$root/gateway/poterne.conf";

sub workers {
    my ( undef, @workers ) = @{ $gateway->processes->{antivirus} // [] };
    return @workers;
}

# What came of it: the engine's words, or "died".
sub attempt {
    my ($try) = @_;
    wait_until( 20, sub { workers() == 2 } );
    my $message = "X-Try: $try\n" . letter($to);
    my $result = $gateway->send_one( from => 'a@remote.example', to => [$to], data => \$message );
    return 'died' if $result->{code} == 451;
    my ($id) = $result->{text} =~ /\b([0-9A-Z]{26})\b/;
    my ($held) = grep { $_->{id} eq ( $id // q() ) } $gateway->poterne_json( 'quarantine', 'list' );
    return $held ? $held->{answers}[0]{name} : "not held: $result->{code} $result->{text}";
}

# It does try: what is its own it gets.
is( attempt('write 0/own'), 'write: got it', 'a file of its own' );
is( attempt('remove 0/own'), 'remove: got it', 'and away with it' );

my $leader = $gateway->processes->{antivirus}[0];
my $edge = $gateway->processes->{edge}[0];
my @all = (
    qw(inet inet6 unix netlink fork thread exec exec-memory namespace mount bpf io-uring root),
    ( map {"read $_"} '/etc/passwd', '/etc/hostname', '/proc/self/maps', "/proc/$edge/status", "$root/gateway/poterne.conf" ),
    ( map {"read $_"} "$root/gateway/state", q(/), q(..), '../edge.sock', 'antivirus/demo/yara/eicar.yar' ),
    ( map {"write $_"} '/tmp/poterne-was-here', '../poterne-was-here', "$root/gateway/poterne-was-here" ),
    ( map {"remove $_"} '../antivirus.sock', "$root/gateway/poterne.conf" ),
    ( map {"link $_"} '/etc/passwd', "$root/gateway/poterne.conf" ),
    ( map { my $how = $_; map {"$how $_"} $leader, $edge, $gateway->{pid} } qw(signal pidfd ptrace read-memory) ),
);
my $landlock = attempt('read /etc/passwd') ne 'read: got it';
for my $try (@all) {
    my $name = $try =~ s/ .*//r;
    my $files = $try =~ m{^(?:read|write|remove|link) };
SKIP: {
        skip 'no Landlock in this kernel', 1 if $files && !$landlock;
        my $answer = attempt($try);
        ok( $answer eq 'died' || $answer =~ /^\Q$name\E: (?!got it)/, "$try: $answer" );
    }
}
ok( -e "$root/gateway/poterne.conf", 'the settings are still there' );
is_deeply( [ grep {-e} '/tmp/poterne-was-here', map {"$root/gateway/${_}poterne-was-here"} q(), 'run/' ],
    [], 'nothing was written' );
my $message = letter($to);
wait_until( 20, sub { workers() == 2 } );
is( $gateway->send_one( from => 'a@remote.example', to => [$to], data => \$message )->{code}, 250, 'mail goes on' );
is( $gateway->stop, 0, 'the gateway stops as asked' );
done_testing();
