# The real SpamAssassin as an oracle: what it says of messages, with settings of this module alone.
package Poterne::SpamAssassin;

use strict;
use warnings;

use Digest::SHA ();
use File::Basename qw(dirname);
use File::Path qw(make_path);
use File::Temp qw(tempdir);

use constant RULES => '/usr/share/spamassassin';

# Some tests compare a message's date with today.
use constant NOW => 1_767_225_600;    # 2026-01-01 00:00 UTC

BEGIN {
    no warnings 'once';
    *CORE::GLOBAL::time = sub () { NOW };
}

# Those that Debian's *.pre files load.
my @plugins = qw(
    AskDNS AutoLearnThreshold Bayes BodyEval Check DKIM DMARC DNSEval FreeMail HTMLEval HTTPSMismatch
    HashBL HeaderEval ImageInfo MIMEEval MIMEHeader Pyzor Razor2 RelayEval ReplaceTags SPF SpamCop
    URIDNSBL URIDetail URIEval VBounce WLBLEval WelcomeListSubject
);

# Both sides read FOLDER/site.pre, then the rules, then FOLDER/site.cf.
sub write_site {
    my ($folder) = @_;
    make_path($folder);
    put( "$folder/site.pre", "enable_compat welcomelist_blocklist\n",
        map {"loadplugin Mail::SpamAssassin::Plugin::$_\n"} @plugins );
    put( "$folder/site.cf", "use_bayes 0\nuse_auto_welcomelist 0\n" );
    return;
}

sub put {
    my ( $path, @lines ) = @_;
    open my $file, '>', $path or die "$path: $!\n";
    print {$file} @lines;
    close $file or die "$path: $!\n";
    return;
}

# undef where it is not installed, or only another version
sub version {
    my $version = eval { require Mail::SpamAssassin; Mail::SpamAssassin::Version() };
    return -d RULES ? $version : undef;
}

# Every k-th path of an index of "LABEL PATH" lines.
sub paths_of {
    my ( $index, $every ) = @_;
    my $folder = dirname($index);
    open my $lines, '<', $index or die "$index: $!\n";
    my @paths = map { ( split ' ', $_, 2 )[1] } <$lines>;
    chomp @paths;
    return map {"$folder/$paths[$_]"} grep { $_ % $every == 0 } 0 .. $#paths;
}

sub oracle {
    my $folder = tempdir( 'poterne-oracle-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
    write_site("$folder/site");
    make_path( "$folder/home", "$folder/state" );
    put( "$folder/user_prefs", '' );
    my $sa = Mail::SpamAssassin->new(
        {
            rules_filename       => RULES,
            site_rules_filename  => "$folder/site",
            userprefs_filename   => "$folder/user_prefs",
            userstate_dir        => "$folder/state",
            home_dir_for_helpers => "$folder/home",
            local_tests_only     => 1,
            dont_copy_prefs      => 1,
        }
    );
    $sa->compile_now( 0, 1 );
    return $sa;
}

# "SCORE TAB RULES"
sub ask {
    my ( $sa, $raw ) = @_;
    my $message = $sa->parse( $raw, 0 );
    my $status = $sa->check($message);
    my %hit = map { $_ => 1 } map { split /,/ } $status->get_names_of_tests_hit, $status->get_names_of_subtests_hit;
    my $answer = sprintf "%.3f\t%s", $status->get_score, join ',', sort keys %hit;
    $status->finish;
    $message->finish;
    return $answer;
}

sub slurp_raw {
    my ($path) = @_;
    open my $file, '<:raw', $path or die "$path: $!\n";
    local $/ = undef;
    return scalar <$file>;
}

# { PATH => "SCORE TAB RULES" }. A cache file keeps them from one run to the next: it is thrown away
# when SpamAssassin, its rules or what is set here change.
sub answers {
    my ( $paths, $processes, $cache ) = @_;
    my $known = $cache ? read_cache($cache) : {};
    my ( %answer, %digest );
    for my $path (@$paths) {
        $digest{$path} = Digest::SHA::sha1_hex( slurp_raw($path) );
        $answer{$path} = $known->{ $digest{$path} };
    }
    my @open = grep { !defined $answer{$_} } @$paths;
    my $asked = ask_in_parallel( \@open, $processes );
    @answer{ keys %$asked } = values %$asked;
    if ( $cache && @open ) {
        $known->{ $digest{$_} } = $answer{$_} for @open;
        write_cache( $cache, $known );
    }
    return \%answer;
}

sub ask_in_parallel {
    my ( $paths, $processes ) = @_;
    my ( %answer, @pipes );
    return \%answer if !@$paths;
    defined version() or die "SpamAssassin and its rules are not installed: apt-get install spamassassin\n";
    for my $first ( 0 .. $processes - 1 ) {
        my $pid = open( my $pipe, '-|' ) // die "fork: $!\n";
        if ( !$pid ) {
            my $sa = oracle();
            for ( my $n = $first ; $n < @$paths ; $n += $processes ) {
                print "$n\t", ask( $sa, slurp_raw( $paths->[$n] ) ), "\n";
            }
            close STDOUT;
            exit 0;
        }
        push @pipes, $pipe;
    }
    for my $pipe (@pipes) {
        while (<$pipe>) {
            chomp;
            my ( $n, $said ) = split /\t/, $_, 2;
            $answer{ $paths->[$n] } = $said;
        }
        close $pipe or die "the oracle failed\n";
    }
    die "the oracle left out some messages\n" if keys %answer != @$paths;
    return \%answer;
}

# --- the cache: a line for the key, then "DIGEST TAB SCORE TAB RULES" ---

sub cache_key {
    my $sha = Digest::SHA->new(1);
    $sha->add( NOW, @plugins );
    $sha->addfile($_) for sort glob RULES . '/*';
    return join ' ', version() // 'none', $sha->hexdigest;
}

sub read_cache {
    my ($path) = @_;
    open my $file, '<', $path or return {};
    my $key = <$file> // '';
    chomp $key;
    return {} if $key ne cache_key();
    return { map { chomp; split /\t/, $_, 2 } <$file> };
}

sub write_cache {
    my ( $path, $known ) = @_;
    make_path( dirname($path) );
    put( "$path.new", cache_key() . "\n", map {"$_\t$known->{$_}\n"} sort keys %$known );
    rename "$path.new", $path or die "$path: $!\n";
    return;
}

1;
